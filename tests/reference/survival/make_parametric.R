# Reference numbers for tests/survival/test_parametric.py, from R's survival package (survreg).
# Run in this folder after make_reference.R: Rscript make_parametric.R; writes reference_parametric.csv.
suppressMessages(library(survival))
options(warn = 1)
lung <- read.csv("lung.csv"); veteran <- read.csv("veteran.csv")
lung <- lung[!is.na(lung$ecog), ]
veteran$celltype <- factor(veteran$celltype, c("squamous", "smallcell", "adeno", "large"))
tight <- survreg.control(rel.tolerance = 1e-12, maxiter = 500, toler.chol = 1e-14)
rows <- list()
put <- function(case, item, value)
    rows[[length(rows) + 1]] <<- data.frame(case = case, item = item, value = sprintf("%.17g", as.vector(value)))
fit <- function(case, data, formula, people, ..., robust = FALSE, cluster = seq_len(nrow(data))) for (family in c("exponential", "weibull", "lognormal", "loglogistic")) {
    model <- eval(substitute(survreg(formula, data = data, dist = family, control = tight, ...)))
    # one more Newton step is nothing where it has converged: refit from the estimates
    model <- eval(substitute(survreg(formula, data = data, dist = family, control = tight,
                                     init = c(coef(model), if (family == "exponential") NULL else log(model$scale)), ...)))
    # survreg's robust variance leaves the weights out of its dfbeta residuals (coxph's does not), so that a weight of 2
    # is not two people; here they are weighted.
    naive <- model$var
    if (robust) model$var <- crossprod(rowsum(residuals(model, "dfbeta", weighted = TRUE), cluster))
    name <- paste(case, family, sep = ":")
    put(name, "coef", c(coef(model), if (family == "exponential") NULL else log(model$scale)))
    put(name, "var", model$var)
    put(name, "naive", naive)
    put(name, "loglik", model$loglik)
    if (!is.null(people)) {
        p <- predict(model, people, type = "quantile", p = c(0.1, 0.5, 0.8), se.fit = TRUE)
        put(name, "quantile", t(p$fit))
        put(name, "quantile_se", t(p$se.fit))
    }
}
fit("lung", lung, Surv(time, status) ~ age + sex + ecog, lung[c(3, 50), ])
fit("lung_one", lung, Surv(time, status) ~ 1, NULL)
fit("lung_whole", lung, Surv(time, status) ~ age + sex, NULL, weights = k)
fit("lung_weights", lung, Surv(time, status) ~ age + sex, NULL, weights = w, robust = TRUE)
fit("lung_robust", lung, Surv(time, status) ~ age + sex, NULL, robust = TRUE)
fit("lung_cluster", lung, Surv(time, status) ~ age + sex, NULL, robust = TRUE, cluster = lung$pair)
fit("lung_weights_cluster", lung, Surv(time, status) ~ age + sex, lung[c(3, 50), ], weights = w, robust = TRUE, cluster = lung$pair)
fit("veteran", veteran, Surv(time, status) ~ trt + celltype + karno, veteran[c(2, 90), ])
write.csv(do.call(rbind, rows), "reference_parametric.csv", row.names = FALSE, quote = FALSE)
