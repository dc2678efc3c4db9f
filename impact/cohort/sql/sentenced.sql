-- Everyone with a sentence of any kind.
SELECT DISTINCT who
FROM sentence
JOIN numbered USING (person_id)
ORDER BY who
