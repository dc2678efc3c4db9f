-- Proven offences committed after one day and by another.
SELECT slot, offended_on, proven_on, outcomes.place AS outcome_place, offence_groups.place AS group_place, severities.place AS severity_place
FROM offence
JOIN numbered USING (person_id)
JOIN index_dates USING (who)
JOIN outcomes USING (outcome)
JOIN offence_groups USING (offence_group)
JOIN severities USING (severity)
WHERE proven_on IS NOT NULL AND offended_on > day AND offended_on <= until
ORDER BY slot, offended_on, proven_on, outcome_place, group_place, severity_place
