-- Episodes on one programme.
SELECT who, started_on, ended_on, status = 'completed' AS completed, sessions_planned, sessions_attended
FROM participation
JOIN numbered USING (person_id)
JOIN asked USING (programme)
ORDER BY who, started_on, ended_on, completed, sessions_planned, sessions_attended
