-- Referrals to one programme.
SELECT who, referred_on, decided_on, decision
FROM referral
JOIN numbered USING (person_id)
JOIN asked USING (programme)
ORDER BY who, referred_on, decided_on, decision
