# Reference numbers for tests/survival/test_restricted_mean.py, from R's survival package.
# Run in this folder after make_reference.R: Rscript make_rmst.R; writes mgus2.csv and reference_rmst.csv.
# Greenwood's standard error is that which print(fit, rmean = horizon) shows. The jackknife's is made of the derivatives
# by each weight that residuals(fit, type = "auc") gives, weighted and summed by cluster.
suppressMessages(library(survival))
options(warn = 1)
lung <- read.csv("lung.csv"); veteran <- read.csv("veteran.csv"); heart <- read.csv("heart.csv")
mgus <- with(mgus2, data.frame(days = ifelse(pstat == 0, futime, ptime), outcome = ifelse(pstat == 0, 2 * death, 1), sex))
i <- seq_len(nrow(mgus))
mgus$w <- 0.25 + (i * 7 %% 11) %% 9 / 4
mgus$k <- 1 + (i * 5) %% 4
mgus$late <- floor(mgus$days * ((i * 3) %% 7) / 10)
mgus$row <- i
mgus <- mgus[i %% 3 == 0, ]     # 461 people are enough
mgus$pair <- seq_len(nrow(mgus)) %% 150
write.csv(mgus, "mgus2.csv", row.names = FALSE)
rows <- list()
put <- function(case, horizon, item, group, value)
    rows[[length(rows) + 1]] <<- data.frame(case, horizon, item, group, value = sprintf("%.17g", value))
greenwood <- function(case, data, formula, horizons, ...) for (horizon in horizons) {
    fit <- eval(substitute(survfit(formula, data = data, ...)))
    table <- summary(fit, rmean = horizon)$table
    table <- if (is.null(dim(table))) t(table) else table
    put(case, horizon, "mean", seq_len(nrow(table)), table[, "rmean"])
    put(case, horizon, "error", seq_len(nrow(table)), table[, "se(rmean)"])
}
jackknife <- function(case, data, formula, group, cluster, horizons, state = NULL, weights = rep(1, nrow(data)), ...)
    for (horizon in horizons) {
        data$the_weights <- weights
        fit <- eval(substitute(survfit(formula, data = data, weights = the_weights, ...)))
        d <- residuals(fit, times = horizon, type = "auc")
        if (!is.null(state)) d <- d[, state]     # rows, states
        sums <- tapply(as.vector(d) * weights, list(cluster, group), sum)
        sums[is.na(sums)] <- 0
        put(case, horizon, "cov", "", as.vector(t(sums) %*% sums))
        table <- summary(fit, rmean = horizon)$table
        if (is.null(state)) put(case, horizon, "mean", seq_len(nrow(table)), table[, "rmean"])
        else put(case, horizon, "mean", 1:2, table[2 * state - 1:0, "rmean"])
    }
days <- c(100, 365.25, 500)
greenwood("lung", lung, Surv(time, status) ~ sex, days)
greenwood("lung_one", lung, Surv(time, status) ~ 1, days)
greenwood("lung_whole", lung, Surv(time, status) ~ sex, days, weights = k)
greenwood("lung_entry", lung, Surv(late, time, status) ~ sex, days)
greenwood("veteran", veteran, Surv(time, status) ~ celltype, c(30, 150))
jackknife("lung_cluster", lung, Surv(time, status) ~ sex, lung$sex, lung$pair, days)
jackknife("lung_weights", lung, Surv(time, status) ~ sex, lung$sex, lung$row, days, weights = lung$w)
jackknife("lung_weights_cluster", lung, Surv(time, status) ~ sex, lung$sex, lung$pair, days, weights = lung$w)
jackknife("lung_entry_weights", lung, Surv(late, time, status) ~ sex, lung$sex, lung$row, days, weights = lung$w)
jackknife("lung_all", lung, Surv(late, time, status) ~ sex, lung$sex, lung$pair, days, weights = lung$w)
months <- c(60, 200)
for (cause in 1:2) {
    state <- cause + 1
    jackknife(paste0("mgus_", cause), mgus, Surv(days, factor(outcome)) ~ sex, mgus$sex, mgus$row, months, state)
    jackknife(paste0("mgus_weights_", cause), mgus, Surv(days, factor(outcome)) ~ sex, mgus$sex, mgus$pair, months,
              state, weights = mgus$w)
    jackknife(paste0("mgus_all_", cause), mgus, Surv(late, days, factor(outcome)) ~ sex, mgus$sex, mgus$pair, months,
              state, weights = mgus$w, id = row)
}
write.csv(do.call(rbind, rows), "reference_rmst.csv", row.names = FALSE, quote = FALSE)
