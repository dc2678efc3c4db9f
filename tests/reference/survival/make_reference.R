# Reference numbers for tests/survival, from R's survival package.
# Run in this folder: Rscript make_reference.R [path of carData_Rossi.csv]
# Writes the data sets used (*.csv) and reference_cox.csv, reference_curves.csv.
suppressMessages(library(survival))
options(warn = 1)
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 60)
arguments <- commandArgs(TRUE)

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
lung2 <- extra(with(lung, data.frame(time, status = status - 1, age, sex, ecog = ph.ecog, inst)), lung$time)
veteran2 <- extra(with(veteran, data.frame(time, status, trt, celltype, karno, diagtime, age, prior)), veteran$time)
ovarian2 <- extra(with(ovarian, data.frame(time = futime, status = fustat, age, rx, ecog = ecog.ps)), ovarian$futime)
heart2 <- with(heart, data.frame(start, stop, event, age, year, surgery, transplant = as.numeric(transplant) - 1, id))
heart2 <- extra(heart2, heart2$stop)
bladder1x <- with(bladder, data.frame(id, rx, number, size, stop, event, enum))
bladder2x <- with(bladder2, data.frame(id, rx, number, size, start, stop, event, enum))
test1 <- data.frame(time = c(9, 3, 1, 1, 6, 6, 8), status = c(1, NA, 1, 0, 1, 1, 0), x = c(0, 2, 1, 1, 1, 0, 0))
test2 <- data.frame(row = 1:10, start = c(1, 2, 5, 2, 1, 7, 3, 4, 8, 8), stop = c(2, 3, 6, 7, 8, 9, 9, 9, 14, 17),
                    event = c(1, 1, 1, 1, 1, 1, 1, 0, 0, 0), x = c(1, 0, 0, 1, 0, 1, 1, 1, 0, 0))
weighted1 <- data.frame(time = c(1, 1, 2, 2, 2, 2, 3, 4, 5), status = c(1, 0, 1, 1, 1, 0, 0, 1, 0),
                        x = c(2, 0, 1, 1, 0, 1, 0, 1, 0), row = 1:9, w = c(1, 2, 3, 4, 3, 2, 1, 2, 1))
tied <- data.frame(time = rep(10, 8), status = c(1, 1, 0, 1, 0, 1, 1, 0), x = c(1, 2, 3, 4, 5, 6, 7, 9))
single <- data.frame(time = c(2, 3, 5, 8, 9, 12), status = c(0, 0, 1, 0, 0, 0), x = c(1, 3, 2, 3, 1, 2))
sets <- list(lung = lung2, veteran = veteran2, ovarian = ovarian2, heart = heart2, bladder = bladder1x,
             bladder2 = bladder2x, test1 = test1, test2 = test2, weighted1 = weighted1, tied = tied, single = single)
for (name in names(sets)) write.csv(sets[[name]], paste0(name, ".csv"), row.names = FALSE, na = "")
if (length(arguments)) {
    rossi <- read.csv(arguments[1])
    rossi$fin <- as.numeric(rossi$fin == "yes"); rossi$race <- as.numeric(rossi$race == "black")
    rossi$wexp <- as.numeric(rossi$wexp == "yes"); rossi$mar <- as.numeric(rossi$mar == "married")
    rossi$paro <- as.numeric(rossi$paro == "yes")
    sets$rossi <- rossi
}

rows <- list()
put <- function(case, item, key, value)
    rows[[length(rows) + 1]] <<- data.frame(case = case, item = item, key = as.character(key), value = sprintf("%.17g", value))

cox <- function(case, data, formula, ..., zph = TRUE) {
    fit <- eval(substitute(coxph(formula, data = data, control = tight, ...)))
    put(case, "coef", names(coef(fit)), coef(fit))
    put(case, "se", names(coef(fit)), sqrt(diag(fit$var)))
    put(case, "var", seq_along(fit$var), as.vector(fit$var))
    put(case, "naive", seq_along(fit$var), as.vector(if (is.null(fit$naive.var)) fit$var else fit$naive.var))
    put(case, "loglik", c("null", "fitted"), fit$loglik)
    put(case, "concordance", "", unname(concordance(fit)$concordance))
    if (case %in% c("lung", "lung_breslow", "lung_entry_weights", "heart", "test1", "test1_breslow", "weighted1")) {
        base <- basehaz(fit, centered = FALSE)
        put(case, "cumhaz", base$time, base$hazard)
    }
    if (zph) for (transform in c("km", "rank", "identity", "log")) {
        z <- cox.zph(fit, transform = transform)$table
        put(case, paste0("zph_", transform), rownames(z), z[, "chisq"])
        put(case, paste0("zph_df_", transform), rownames(z), z[, "df"])
        put(case, paste0("zph_p_", transform), rownames(z), z[, "p"])
    }
}
d <- sets$lung
cox("lung", d, Surv(time, status) ~ age + sex + ecog)
cox("lung_breslow", d, Surv(time, status) ~ age + sex + ecog, ties = "breslow")
cox("lung_strata", d, Surv(time, status) ~ age + ecog + strata(sex))
cox("lung_strata2", d, Surv(time, status) ~ age + ecog + strata(sex, zone))
cox("lung_weights", d, Surv(time, status) ~ age + sex + ecog, weights = w, robust = TRUE)
cox("lung_weights_breslow", d, Surv(time, status) ~ age + sex + ecog, weights = w, robust = TRUE, ties = "breslow")
cox("lung_whole_weights", d, Surv(time, status) ~ age + sex + ecog, weights = k)
cox("lung_weights_naive", d, Surv(time, status) ~ age + sex + ecog, weights = w, robust = FALSE)
cox("lung_cluster", d, Surv(time, status) ~ age + sex + ecog, cluster = inst)
cox("lung_robust", d, Surv(time, status) ~ age + sex + ecog, robust = TRUE)
cox("lung_entry", d, Surv(late, time, status) ~ age + sex + ecog)
cox("lung_entry_breslow", d, Surv(late, time, status) ~ age + sex + ecog, ties = "breslow")
cox("lung_entry_strata", d, Surv(late, time, status) ~ age + ecog + strata(sex))
cox("lung_entry_weights", d, Surv(late, time, status) ~ age + sex + ecog, weights = w, cluster = row)
cox("lung_entry_cluster", d, Surv(late, time, status) ~ age + sex + ecog, cluster = pair)
cox("lung_strata_weights", d, Surv(time, status) ~ age + ecog + strata(sex), weights = w, robust = TRUE)
cox("lung_strata_cluster", d, Surv(time, status) ~ age + ecog + strata(sex), cluster = pair)
cox("lung_weights_cluster", d, Surv(time, status) ~ age + sex + ecog, weights = w, cluster = pair)
cox("lung_all", d, Surv(late, time, status) ~ age + ecog + strata(sex), weights = w, cluster = pair)
cox("lung_all_breslow", d, Surv(late, time, status) ~ age + ecog + strata(sex), weights = w, cluster = pair, ties = "breslow")
d <- sets$veteran
cox("veteran", d, Surv(time, status) ~ trt + celltype + karno + diagtime + age + prior)
cox("veteran_spline", d, Surv(time, status) ~ trt + log(karno) + I(age^2))
d <- sets$ovarian
cox("ovarian", d, Surv(time, status) ~ age + rx + ecog)
d <- sets$heart
cox("heart", d, Surv(start, stop, event) ~ age + year + surgery + transplant)
cox("heart_breslow", d, Surv(start, stop, event) ~ age + year + surgery + transplant, ties = "breslow")
cox("heart_cluster", d, Surv(start, stop, event) ~ age + year + surgery + transplant, cluster = id)
cox("heart_all", d, Surv(start, stop, event) ~ age + year + transplant + strata(surgery), cluster = id, weights = w)
d <- sets$bladder
cox("bladder", d, Surv(stop, event) ~ rx + size + number + strata(enum), cluster = id)
d <- sets$bladder2
cox("bladder2", d, Surv(start, stop, event) ~ rx + size + number + strata(enum), cluster = id)
d <- sets$test1
cox("test1", d, Surv(time, status) ~ x, robust = TRUE, zph = FALSE)
cox("test1_breslow", d, Surv(time, status) ~ x, ties = "breslow", robust = TRUE, zph = FALSE)
d <- sets$test2
cox("test2", d, Surv(start, stop, event) ~ x, cluster = row)
d <- sets$weighted1
cox("weighted1", d, Surv(time, status) ~ x, weights = w, robust = TRUE)
cox("weighted1_breslow", d, Surv(time, status) ~ x, weights = w, robust = TRUE, ties = "breslow")
d <- sets$tied
cox("tied", d, Surv(time, status) ~ x, zph = FALSE)
d <- sets$single
cox("single", d, Surv(time, status) ~ x, zph = FALSE)
if (length(arguments)) {
    d <- sets$rossi
    cox("rossi", d, Surv(week, arrest) ~ fin + age + race + wexp + mar + paro + prio)
}
write.csv(do.call(rbind, rows), "reference_cox.csv", row.names = FALSE, quote = FALSE)

curves <- list(); medians <- list()
km <- function(case, data, formula, ...) {
    fit <- eval(substitute(survfit(formula, data = data, se.fit = TRUE, ...)))
    whole <- summary(fit, censored = TRUE)
    q <- quantile(fit, probs = c(0.25, 0.5, 0.75))
    fields <- c("time", "n.risk", "n.event", "n.censor", "surv", "std.err", "lower", "upper")
    part <- as.data.frame(lapply(whole[fields], function(v) sprintf("%.17g", v)))
    strata <- if (is.null(whole$strata)) rep("all", length(whole$time)) else sub("^[^=]*=", "", as.character(whole$strata))
    curves[[length(curves) + 1]] <<- cbind(case = case, group = trimws(strata), part)
    q <- lapply(q, function(m) matrix(m, ncol = 3))
    names_ <- if (is.null(fit$strata)) "all" else sub("^[^=]*=", "", names(fit$strata))
    for (i in seq_along(names_)) medians[[length(medians) + 1]] <<- data.frame(case = case, group = names_[i],
        probability = c(0.25, 0.5, 0.75), estimate = sprintf("%.17g", q$quantile[i, ]),
        conf_low = sprintf("%.17g", q$lower[i, ]), conf_high = sprintf("%.17g", q$upper[i, ]))
}
for (type in c("log-log", "log", "plain", "arcsin")) {
    d <- sets$lung
    km(paste0("lung_weights:", type), d, Surv(time, status) ~ sex, conf.type = type, weights = w, robust = TRUE)
    d <- sets$veteran
    km(paste0("veteran:", type), d, Surv(time, status) ~ celltype, conf.type = type)
    d <- sets$test1
    km(paste0("test1:", type), d, Surv(time, status) ~ 1, conf.type = type)
}
d <- sets$lung
km("lung:log-log", d, Surv(time, status) ~ 1, conf.type = "log-log")
km("lung_by:log-log", d, Surv(time, status) ~ sex, conf.type = "log-log")
km("lung_whole:log-log", d, Surv(time, status) ~ sex, conf.type = "log-log", weights = k)
km("lung_weights_cluster:log-log", d, Surv(time, status) ~ sex, conf.type = "log-log", weights = w, cluster = pair)
km("lung_cluster:log-log", d, Surv(time, status) ~ sex, conf.type = "log-log", cluster = pair)
km("lung_entry:log-log", d, Surv(late, time, status) ~ sex, conf.type = "log-log")
km("lung_entry_weights:log-log", d, Surv(late, time, status) ~ sex, conf.type = "log-log", weights = w, cluster = row)
km("lung_entry_weights_cluster:log-log", d, Surv(late, time, status) ~ sex, conf.type = "log-log", weights = w, cluster = pair)
d <- sets$weighted1
km("weighted1:plain", d, Surv(time, status) ~ 1, conf.type = "plain", weights = w, cluster = row)
d <- sets$ovarian
km("ovarian:log-log", d, Surv(time, status) ~ rx, conf.type = "log-log")
d <- sets$heart
km("heart:log-log", d, Surv(start, stop, event) ~ surgery, conf.type = "log-log", cluster = id)
d <- sets$tied
km("tied:log-log", d, Surv(time, status) ~ 1, conf.type = "log-log")
write.csv(do.call(rbind, curves), "reference_curves.csv", row.names = FALSE, quote = FALSE)
write.csv(do.call(rbind, medians), "reference_quantiles.csv", row.names = FALSE, quote = FALSE)
