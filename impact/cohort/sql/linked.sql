-- Who of some people is found in the records of courts, prisons or police.
SELECT DISTINCT who
FROM (
  SELECT person_id FROM sentence
  UNION ALL SELECT person_id FROM offence
  UNION ALL SELECT person_id FROM custody
  UNION ALL SELECT person_id FROM police_contact
) AS records
JOIN numbered USING (person_id)
JOIN asked_people USING (who)
ORDER BY who
