-- The first day of each person with a programme other than one: taking part, or accepted.
SELECT who, min(day) AS first_on, min(joined_on) AS joined_on
FROM (
  SELECT person_id, programme, started_on AS day, started_on AS joined_on FROM participation
  UNION ALL
  SELECT person_id, programme, greatest(referred_on, coalesce(decided_on, referred_on)) AS day, NULL AS joined_on
  FROM referral
  WHERE decision = 'accepted'
) AS taken
JOIN numbered USING (person_id)
WHERE programme NOT IN (SELECT programme FROM asked)
GROUP BY who
ORDER BY who
