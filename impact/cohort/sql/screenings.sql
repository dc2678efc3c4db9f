-- Days on which a person was read on an instrument.
SELECT DISTINCT who, assessed_on AS day
FROM assessment
JOIN numbered USING (person_id)
JOIN screening USING (instrument)
ORDER BY who, day
