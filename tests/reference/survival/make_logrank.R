# Reference numbers for tests/survival/test_logrank.py, from R's survival package and KMsurv's data.
# Run in this folder after make_reference.R: Rscript make_logrank.R
# Writes kidney.csv, larynx.csv (Klein and Moeschberger's data) and reference_logrank.csv.
suppressMessages({library(survival); library(KMsurv)})
options(warn = 1)
data(kidney, package = "KMsurv"); data(larynx, package = "KMsurv")
write.csv(kidney, "kidney.csv", row.names = FALSE)
write.csv(larynx, "larynx.csv", row.names = FALSE)
lung <- read.csv("lung.csv"); veteran <- read.csv("veteran.csv"); heart <- read.csv("heart.csv")
lung <- lung[!is.na(lung$ecog) & !is.na(lung$inst), ]

rows <- list()
put <- function(case, item, value)
    rows[[length(rows) + 1]] <<- data.frame(case = case, item = item, value = sprintf("%.17g", as.vector(value)))
test <- function(case, data, formula, rho = 0) {
    fit <- survdiff(formula, data = data, rho = rho)
    put(case, "chisq", fit$chisq)
    put(case, "var", fit$var)
    if (rho == 0) {   # with rho they are weighted sums
        put(case, "observed", if (is.matrix(fit$obs)) rowSums(fit$obs) else fit$obs)
        put(case, "expected", if (is.matrix(fit$exp)) rowSums(fit$exp) else fit$exp)
    }
}
# The exact partial likelihood's score test is the log-rank test with the hypergeometric variance.
exact <- function(case, data, formula, ...)
    put(case, "chisq", eval(substitute(coxph(formula, data = data, ties = "exact", ...)))$score)
robust <- function(case, data, formula, ...)
    put(case, "chisq", eval(substitute(coxph(formula, data = data, ties = "breslow", robust = TRUE, ...)))$rscore)

for (rho in c(0, 0.5, 1, 2)) {
    test(paste0("lung:", rho), lung, Surv(time, status) ~ sex, rho)
    test(paste0("veteran:", rho), veteran, Surv(time, status) ~ celltype, rho)
    test(paste0("veteran_strata:", rho), veteran, Surv(time, status) ~ celltype + strata(prior), rho)
    test(paste0("lung_strata:", rho), lung, Surv(time, status) ~ ecog + strata(sex, zone), rho)
}
exact("lung_exact", lung, Surv(time, status) ~ factor(sex))
exact("lung_entry", lung, Surv(late, time, status) ~ factor(sex))
exact("lung_entry_strata", lung, Surv(late, time, status) ~ factor(ecog == 0) + strata(sex))
exact("heart", heart, Surv(start, stop, event) ~ factor(surgery))
exact("veteran_entry", veteran, Surv(late, time, status) ~ celltype)
exact("lung_trend", lung, Surv(time, status) ~ ecog)
exact("lung_trend_entry", lung, Surv(late, time, status) ~ ecog + strata(sex))
robust("lung_weights", lung, Surv(time, status) ~ factor(sex), weights = w)
robust("lung_cluster", lung, Surv(time, status) ~ factor(sex), cluster = pair)
robust("lung_weights_cluster", lung, Surv(time, status) ~ factor(sex), weights = w, cluster = pair)
robust("lung_all", lung, Surv(late, time, status) ~ factor(zone) + strata(sex), weights = w, cluster = pair)
robust("heart_cluster", heart, Surv(start, stop, event) ~ factor(surgery), cluster = id)
robust("veteran_weights", veteran, Surv(time, status) ~ celltype, weights = w)
robust("lung_trend_weights", lung, Surv(time, status) ~ ecog, weights = w, cluster = pair)
write.csv(do.call(rbind, rows), "reference_logrank.csv", row.names = FALSE, quote = FALSE)
