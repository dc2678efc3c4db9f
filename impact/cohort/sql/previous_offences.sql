-- Offences proven before a day.
SELECT slot, count(*) AS n
FROM offence
JOIN numbered USING (person_id)
JOIN index_dates USING (who)
JOIN counted USING (outcome)
WHERE proven_on < day
GROUP BY slot
