-- Contacts with the police from one day to the day before another.
SELECT slot, count(*) AS n
FROM police_contact
JOIN numbered USING (person_id)
JOIN index_dates USING (who)
JOIN counted USING (role)
WHERE occurred_on >= since AND occurred_on < day
GROUP BY slot
