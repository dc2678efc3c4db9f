-- Spells as recorded.
SELECT who, entered_on, left_on, reason = 'sentence' AS sentenced, reason = 'recall' AS recalled
FROM custody
JOIN numbered USING (person_id)
ORDER BY who, entered_on, left_on
