-- Who has a second reading, or a later one, of any scale read by a programme.
SELECT DISTINCT who
FROM assessment
JOIN numbered USING (person_id)
JOIN asked USING (programme)
WHERE wave >= 2
ORDER BY who
