# Reference numbers for the tests of competing and recurrent events, from R's survival and cmprsk.
# Run in this folder: Rscript make_reference_events.R
# Writes the data sets used (events_*.csv) and reference_events_*.csv.
suppressMessages({library(survival); library(cmprsk)})
options(warn = 1)
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 60)
num <- function(v) sprintf("%.17g", v)
save <- function(rows, name) write.csv(do.call(rbind, rows), name, row.names = FALSE, quote = FALSE)

extra <- function(d, stop) {
    i <- seq_len(nrow(d))
    d$w <- 0.25 + (i * 7 %% 11) %% 9 / 4          # weights that are not whole
    d$k <- 1 + (i * 5) %% 4                        # whole weights
    d$late <- floor(stop * ((i * 3) %% 7) / 10)    # an entry before every exit
    d$pair <- (i * 13) %% (nrow(d) %/% 3) + 1      # clusters of about three
    d$row <- i
    d$zone <- (i * 11) %% 3                        # strata
    d
}
m <- mgus2[seq_len(400), ]
m <- with(m, data.frame(time = ifelse(pstat == 0, futime, ptime), event = ifelse(pstat == 0, 2 * death, 1),
                        age, sex = as.numeric(sex == "M"), hgb, mspike))
m <- extra(m[complete.cases(m), ], m$time[complete.cases(m)])
p <- with(pbc, data.frame(time, event = c(0, 2, 1)[status + 1], age, edema, bili, albumin, stage))
p <- p[complete.cases(p), ]
p <- p[!duplicated(p$time), ]                      # no two times alike
p <- extra(p, p$time)
n <- 240
i <- seq_len(n)
u <- (i * 0.6180339887498949) %% 1
v <- (i * 0.7548776662466927) %% 1
s <- data.frame(group = c("a", "b", "c")[1 + (i %/% 4) %% 3], age = 18 + (i * 17) %% 40, prior = (i * 7) %% 5)
s$time <- ceiling(-20 * log(u) * exp(0.15 * (s$group == "b") - 0.1 * s$prior + 0.01 * (s$age - 30)))
s$event <- ifelse(v < 0.45, 1, ifelse(v < 0.6, 2, ifelse(v < 0.7, 3, 0)))
s$event[s$time > 40] <- 0
s$time <- pmin(s$time, 40)
s <- extra(s, s$time)
b <- with(bladder1, data.frame(id, rx = treatment, size, number, start, stop, event = as.numeric(status == 1), last = status))
b <- b[b$stop > b$start, ]
b4 <- with(bladder2, data.frame(id, rx, number, size, start, stop, event, enum))
wlw <- with(bladder, data.frame(id, rx, number, size, stop, event, enum))
g <- with(cgd, data.frame(id, rx = as.numeric(treat == "rIFN-g"), sex = as.numeric(sex == "female"), age, start = tstart,
                          stop = tstop, event = status, enum))
g$w <- 0.25 + (g$id * 7 %% 11) %% 9 / 4
sets <- list(mgus = m, pbc = p, made = s, bladder1 = b, bladder2 = b4, cgd = g)
for (name in names(sets)) write.csv(sets[[name]], paste0("events_", name, ".csv"), row.names = FALSE, na = "")

# Cumulative incidence: survfit's jackknife
rows <- list()
curve <- function(case, data, formula, ..., conf.type = "log-log") {
    fit <- eval(substitute(survfit(formula, data = data, conf.type = conf.type, ...)))
    group <- if (is.null(fit$strata)) rep("all", length(fit$time)) else
        rep(sub("^[^=]*=", "", names(fit$strata)), fit$strata)
    low <- matrix(fit$lower, ncol = ncol(fit$pstate)); high <- matrix(fit$upper, ncol = ncol(fit$pstate))
    for (state in seq_along(fit$states)[-1]) rows[[length(rows) + 1]] <<- data.frame(case = case, group = group,
        cause = fit$states[state], time = num(fit$time), n_risk = num(fit$n.risk[, 1]), n_event = num(fit$n.event[, state]),
        n_censored = num(rowSums(as.matrix(fit$n.censor))), estimate = num(fit$pstate[, state]), std_error = num(fit$std.err[, state]),
        conf_low = num(low[, state]), conf_high = num(high[, state]),
        free = num(fit$pstate[, 1]), free_error = num(fit$std.err[, 1]))
}
for (type in c("log-log", "log", "plain", "arcsin")) {
    curve(paste0("made_weights:", type), s, Surv(time, factor(event)) ~ group, weights = w, conf.type = type)
}
curve("mgus_by:log-log", m, Surv(time, factor(event)) ~ sex)
curve("pbc:log-log", p, Surv(time, factor(event)) ~ 1)
curve("made:log-log", s, Surv(time, factor(event)) ~ 1)
curve("made_by:log-log", s, Surv(time, factor(event)) ~ group)
curve("made_cluster:log-log", s, Surv(time, factor(event)) ~ group, cluster = pair)
curve("made_weights_cluster:log-log", s, Surv(time, factor(event)) ~ group, weights = w, cluster = pair)
curve("made_whole_row:log-log", s, Surv(time, factor(event)) ~ group, weights = k)
curve("made_entry_row:log-log", s, Surv(late, time, factor(event)) ~ group, id = row)
curve("made_entry_weights:log-log", s, Surv(late, time, factor(event)) ~ group, id = row, weights = w)
curve("made_entry_cluster:log-log", s, Surv(late, time, factor(event)) ~ group, id = row, cluster = pair)
curve("made_entry_all:log-log", s, Surv(late, time, factor(event)) ~ group, id = row, weights = w, cluster = pair)
save(rows, "reference_events_incidence.csv")

# Cumulative incidence and Gray's test: cuminc
rows <- list(); tests <- list()
gray <- function(case, d, group, rho = 0, strata = NULL) {
    fit <- if (is.null(strata)) cuminc(d$time, d$event, group, rho = rho) else cuminc(d$time, d$event, group, strata, rho = rho)
    tests[[length(tests) + 1]] <<- data.frame(case = case, cause = rownames(fit$Tests), statistic = num(fit$Tests[, "stat"]),
                                              p_value = num(fit$Tests[, "pv"]), df = num(fit$Tests[, "df"]))
    if (rho == 0 && is.null(strata)) {
        found <- timepoints(fit, sort(unique(d$time)))
        for (name in rownames(found$est)) {
            parts <- strsplit(name, " ")[[1]]
            rows[[length(rows) + 1]] <<- data.frame(case = case, group = parts[1], cause = parts[2],
                time = num(sort(unique(d$time))), estimate = num(found$est[name, ]), variance = num(found$var[name, ]))
        }
    }
}
gray("mgus", m, m$sex); gray("mgus_rho", m, m$sex, rho = 1); gray("mgus_strata", m, m$sex, strata = m$zone)
gray("mgus_strata_rho", m, m$sex, rho = -0.5, strata = m$zone)
gray("pbc", p, p$stage); gray("pbc_rho", p, p$stage, rho = 0.7); gray("pbc_strata", p, p$edema, strata = p$zone)
gray("made", s, s$group); gray("made_rho", s, s$group, rho = 1); gray("made_strata", s, s$group, strata = s$zone)
gray("made_strata_rho", s, s$group, strata = s$zone, rho = 2)
save(rows, "reference_events_cuminc.csv"); save(tests, "reference_events_gray.csv")

# Fine and Gray: crr, and finegray with coxph
rows <- list()
put <- function(case, item, key, value)
    rows[[length(rows) + 1]] <<- data.frame(case = case, item = item, key = as.character(key), value = num(value))
subdistribution <- function(case, d, names, cause = 1) {
    x <- as.matrix(d[names])
    fit <- crr(d$time, d$event, x, failcode = cause, cencode = 0, gtol = 1e-9, maxiter = 60)
    stopifnot(fit$converged)
    put(case, "coef", names, fit$coef); put(case, "var", seq_along(fit$var), as.vector(fit$var))
    put(case, "loglik", c("null", "fitted"), c(fit$loglik.null, fit$loglik))
    put(case, "jump", fit$uftime, fit$bfitj)
    at <- rbind(colMeans(x), x[7, ])
    shown <- predict(fit, at)
    put(case, "predict1", shown[, 1], shown[, 2]); put(case, "predict2", shown[, 1], shown[, 3])
}
weighted <- function(case, data, formula, covariates, ties, strata = FALSE, ...) {
    long <- eval(substitute(finegray(formula, data = data, etype = "1", id = row, ...)))
    long$zone <- data$zone[match(long$row, data$row)]
    right <- if (strata) paste(covariates, "+ strata(zone)") else covariates
    fit <- coxph(as.formula(paste("Surv(fgstart, fgstop, fgstatus) ~", right)), data = long, weights = long$fgwt,
                 cluster = row, ties = ties, control = tight)
    put(case, "coef", names(coef(fit)), coef(fit)); put(case, "fixed", seq_along(fit$var), as.vector(fit$var))
    put(case, "naive", seq_along(fit$var), as.vector(fit$naive.var))
    put(case, "loglik", c("null", "fitted"), fit$loglik)
}
subdistribution("pbc", p, c("age", "edema", "bili"))
subdistribution("pbc_other", p, c("age", "bili"), cause = 2)
later <- function(d) transform(d, time = time + (event == 0) / 2)   # censored after the events of the same day
subdistribution("mgus_later", later(m), c("age", "sex", "hgb"))
subdistribution("made_later", later(s), c("age", "prior"))
subdistribution("made_as_is", s, c("age", "prior"))
for (ties in c("efron", "breslow")) {
    weighted(paste0("pbc_", ties), p, Surv(time, factor(event)) ~ age + edema + bili + row, "age + edema + bili", ties)
    weighted(paste0("mgus_", ties), m, Surv(time, factor(event)) ~ age + sex + hgb + row, "age + sex + hgb", ties)
    weighted(paste0("made_", ties), s, Surv(time, factor(event)) ~ age + prior + row, "age + prior", ties)
    weighted(paste0("made_weights_", ties), s, Surv(time, factor(event)) ~ age + prior + row, "age + prior", ties, weights = w)
    weighted(paste0("made_strata_", ties), s, Surv(time, factor(event)) ~ age + prior + strata(zone) + row, "age + prior",
             ties, strata = TRUE)
}
save(rows, "reference_events_fine_gray.csv")

# Mean cumulative count: survfit's cumulative hazard with its robust error
rows <- list()
count <- function(case, data, formula, ...) {
    fit <- eval(substitute(survfit(formula, data = data, ...)))
    group <- if (is.null(fit$strata)) rep("all", length(fit$time)) else
        rep(sub("^[^=]*=", "", names(fit$strata)), fit$strata)
    rows[[length(rows) + 1]] <<- data.frame(case = case, group = group, time = num(fit$time), n_risk = num(fit$n.risk),
        n_event = num(fit$n.event), estimate = num(fit$cumhaz), std_error = num(fit$std.chaz))
}
count("bladder1", b, Surv(start, stop, event) ~ rx, id = id, robust = TRUE)
count("bladder2", b4, Surv(start, stop, event) ~ 1, id = id, robust = TRUE)
count("cgd", g, Surv(start, stop, event) ~ rx, id = id, robust = TRUE)
count("cgd_weights", g, Surv(start, stop, event) ~ rx, id = id, robust = TRUE, weights = w)
gaps <- g[(g$id + g$enum) %% 5 != 0, ]              # stretches not at risk
count("cgd_gaps", gaps, Surv(start, stop, event) ~ rx, id = id, robust = TRUE)
save(rows, "reference_events_mean.csv")

# Models of recurrent events: the same Cox on prepared rows
rows <- list()
model <- function(case, data, formula, ...) {
    fit <- eval(substitute(coxph(formula, data = data, control = tight, cluster = id, ...)))
    put(case, "coef", names(coef(fit)), coef(fit)); put(case, "se", names(coef(fit)), sqrt(diag(fit$var)))
    put(case, "loglik", c("null", "fitted"), fit$loglik)
}
gap <- function(d) {
    since <- ave(ifelse(d$event == 1, d$stop, 0), d$id, FUN = function(v) cummax(c(0, head(v, -1))))
    transform(d, from = start - since, to = stop - since)
}
for (ties in c("efron", "breslow")) {
    model(paste0("bladder2_andersen-gill_", ties), b4, Surv(start, stop, event) ~ rx + size + number, ties = ties)
    model(paste0("bladder2_pwp-total_", ties), b4, Surv(start, stop, event) ~ rx + size + number + strata(enum), ties = ties)
    model(paste0("bladder2_pwp-gap_", ties), gap(b4), Surv(from, to, event) ~ rx + size + number + strata(enum), ties = ties)
    model(paste0("bladder2_wei-lin-weissfeld_", ties), wlw, Surv(stop, event) ~ rx + size + number + strata(enum), ties = ties)
    model(paste0("cgd_andersen-gill_", ties), g, Surv(start, stop, event) ~ rx + sex + age, ties = ties)
    model(paste0("cgd_pwp-total_", ties), g, Surv(start, stop, event) ~ rx + sex + age + strata(enum), ties = ties)
    model(paste0("cgd_pwp-gap_", ties), gap(g), Surv(from, to, event) ~ rx + sex + age + strata(enum), ties = ties)
}
model("bladder2_wei-lin-weissfeld-each", wlw, Surv(stop, event) ~ (rx + size + number):strata(enum) + strata(enum), ties = "efron")
save(rows, "reference_events_recurrent.csv")
