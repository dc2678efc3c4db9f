-- The latest reading of each scale on a day or before it.
SELECT slot, name, score
FROM assessment
JOIN numbered USING (person_id)
JOIN index_dates USING (who)
JOIN scales USING (instrument, scale)
WHERE assessed_on <= day
QUALIFY row_number() OVER (PARTITION BY slot, name ORDER BY assessed_on DESC, wave DESC, score DESC) = 1
