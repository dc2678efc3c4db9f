# Reference numbers for the depth of Cox: tests, concordance, residuals and predictions, from R's survival package.
# Run in this folder, after make_reference.R: Rscript make_reference_depth.R
# Reads the data sets that make_reference.R wrote; writes reference_tests.csv, reference_residuals.csv,
# reference_predicted.csv and reference_smooth.csv.
suppressMessages(library(survival))
options(warn = 1)
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 60)
read <- function(name) {
    d <- read.csv(paste0(name, ".csv"))
    if (!is.null(d$celltype)) d$celltype <- factor(d$celltype, c("squamous", "smallcell", "adeno", "large"))
    d$off <- ((seq_len(nrow(d)) * 7) %% 5) / 4 - 0.3
    d
}
digits <- function(value) sprintf("%.17g", value)
tests <- list(); residuals_ <- list(); predicted <- list(); smooths <- list()
put <- function(case, item, key, value)
    tests[[length(tests) + 1]] <<- data.frame(case = case, item = item, key = as.character(key), value = digits(value))

keep_residuals <- function(case, fit, collapse = NULL) {
    for (type in c("martingale", "deviance", "score", "schoenfeld", "scaledsch", "dfbeta", "dfbetas")) {
        grouped <- !is.null(collapse) && !(type %in% c("schoenfeld", "scaledsch"))
        if (!is.null(collapse) && !grouped) next
        value <- if (grouped) residuals(fit, type = type, collapse = collapse) else residuals(fit, type = type)
        value <- as.matrix(value)
        residuals_[[length(residuals_) + 1]] <<- data.frame(
            case = paste0(case, if (grouped) ":collapsed" else ""), type = type,
            row = rep(seq_len(nrow(value)), ncol(value)), column = rep(seq_len(ncol(value)), each = nrow(value)),
            value = digits(as.vector(value)))
    }
}

model <- function(case, data, formula, ..., collapse = NULL) {
    fit <- eval(substitute(coxph(formula, data = data, control = tight, nocenter = NULL, ...)))
    put(case, "coef", names(coef(fit)), coef(fit))
    s <- summary(fit)
    put(case, "likelihood ratio", "", s$logtest["test"])
    put(case, "score", "", s$sctest["test"])
    put(case, "wald", "", s$waldtest["test"])
    put(case, "wald", "whole", fit$wald.test)
    if (!is.null(s$robscore)) put(case, "robust score", "", fit$rscore)
    put(case, "aic", "", AIC(fit))
    put(case, "loglik", c("null", "fitted"), fit$loglik)
    put(case, "se", names(coef(fit)), sqrt(diag(fit$var)))
    put(case, "df", "", s$waldtest["df"])
    agreement <- concordance(fit)
    put(case, "concordance", c("estimate", "std_error"), c(agreement$concordance, sqrt(agreement$var)))
    if (!(case %in% c("veteran", "veteran_weights_breslow", "veteran_whole", "heart_cluster"))) keep_residuals(case, fit)
    if (!is.null(collapse)) keep_residuals(case, fit, collapse)
    invisible(fit)
}
single_terms <- function(case, data, full, reduced, name) {
    one <- coxph(full, data = data, control = tight)
    two <- coxph(reduced, data = data, control = tight)
    put(case, "one term", name, 2 * (one$loglik[2] - two$loglik[2]))
}
lung <- read("lung"); veteran <- read("veteran"); heart <- read("heart"); bladder2 <- read("bladder2")
test1 <- read("test1"); test2 <- read("test2"); weighted1 <- read("weighted1"); ovarian <- read("ovarian")
fits <- list()
fits$ovarian <- model("ovarian", ovarian, Surv(time, status) ~ age + rx + ecog)
fits$ovarian_offset <- model("ovarian_offset", ovarian, Surv(time, status) ~ age + rx + offset(off))
fits$veteran <- model("veteran", veteran, Surv(time, status) ~ trt + celltype + karno)
fits$veteran_offset_breslow <- model("veteran_offset_breslow", veteran, Surv(time, status) ~ trt + celltype + karno + offset(off), ties = "breslow")
fits$veteran_strata <- model("veteran_strata", veteran, Surv(time, status) ~ age + karno + strata(celltype))
fits$veteran_all <- model("veteran_all", veteran, Surv(late, time, status) ~ age + karno + offset(off) + strata(celltype),
      weights = w, cluster = pair, collapse = veteran$pair)
fits$veteran_weights <- model("veteran_weights", veteran, Surv(time, status) ~ age + trt, weights = w, robust = TRUE)
fits$veteran_weights_breslow <- model("veteran_weights_breslow", veteran, Surv(time, status) ~ age + trt, weights = w, robust = TRUE,
      ties = "breslow")
fits$veteran_whole <- model("veteran_whole", veteran, Surv(time, status) ~ age + trt, weights = k)
fits$heart <- model("heart", heart, Surv(start, stop, event) ~ age + year + surgery + transplant)
fits$heart_cluster <- model("heart_cluster", heart, Surv(start, stop, event) ~ age + year + transplant + strata(surgery),
      cluster = id, collapse = heart$id)
fits$test1 <- model("test1", test1, Surv(time, status) ~ x)
fits$test1_breslow <- model("test1_breslow", test1, Surv(time, status) ~ x, ties = "breslow")
fits$test2 <- model("test2", test2, Surv(start, stop, event) ~ x)
fits$weighted1 <- model("weighted1", weighted1, Surv(time, status) ~ x, weights = w, robust = TRUE)
fits$weighted1_breslow <- model("weighted1_breslow", weighted1, Surv(time, status) ~ x, weights = w, robust = TRUE, ties = "breslow")
single_terms("veteran", veteran, Surv(time, status) ~ trt + celltype + karno, Surv(time, status) ~ trt + karno, "celltype")
single_terms("ovarian", ovarian, Surv(time, status) ~ age + rx + ecog, Surv(time, status) ~ rx + ecog, "age")
# A large model for the concordance alone: n in the hundreds, tied predictors, strata, entry, clusters.
concord <- function(case, fit) {
    agreement <- concordance(fit)
    put(case, "concordance", c("estimate", "std_error"), c(agreement$concordance, sqrt(agreement$var)))
}
concord("lung", coxph(Surv(time, status) ~ sex + ecog, lung, control = tight))
concord("lung_strata", coxph(Surv(time, status) ~ age + strata(sex), lung, control = tight))
concord("lung_all", coxph(Surv(late, time, status) ~ age + ecog + strata(sex), lung, weights = w, control = tight))
concord("lung_cluster", coxph(Surv(time, status) ~ sex + ecog, lung, cluster = pair, control = tight))

keep <- function(case, item, row, time, value)
    predicted[[length(predicted) + 1]] <<- data.frame(case = case, item = item, row = row, time = time, value = digits(value))
curves <- function(case, fit, new, types = c("log", "log-log", "plain")) {
    for (type in types) for (row in seq_len(nrow(new))) {
        s <- survfit(fit, newdata = new[row, , drop = FALSE], conf.type = type, se.fit = TRUE)
        if (type == types[1]) {
            keep(case, "estimate", row, s$time, s$surv)
            keep(case, "hazard", row, s$time, s$cumhaz)
            keep(case, "hazard_error", row, s$time, s$std.err)
            keep(case, "std_error", row, s$time, s$surv * s$std.err)
        }
        keep(case, paste("low", type), row, s$time, s$lower)
        keep(case, paste("high", type), row, s$time, s$upper)
    }
}
scores <- function(case, fit, new, expected = TRUE) {
    for (reference in c("zero", "sample", "strata")) {
        one <- predict(fit, newdata = new, type = "lp", se.fit = TRUE, reference = reference)
        keep(case, paste("lp", reference), seq_len(nrow(new)), 0, one$fit)
        keep(case, paste("lp error", reference), seq_len(nrow(new)), 0, one$se.fit)
        two <- predict(fit, newdata = new, type = "risk", se.fit = TRUE, reference = reference)
        keep(case, paste("risk", reference), seq_len(nrow(new)), 0, two$fit)
        keep(case, paste("risk error", reference), seq_len(nrow(new)), 0, two$se.fit)
    }
    if (expected) {
        three <- predict(fit, newdata = new, type = "expected", se.fit = TRUE)
        keep(case, "expected", seq_len(nrow(new)), 0, three$fit)
        keep(case, "expected error", seq_len(nrow(new)), 0, three$se.fit)
    }
}
for (case in c("ovarian", "ovarian_offset")) {
    curves(case, fits[[case]], ovarian[c(1, 7, 20), ]); scores(case, fits[[case]], ovarian[c(1, 7, 20), ])
}
for (case in c("veteran", "veteran_offset_breslow")) {
    curves(case, fits[[case]], veteran[c(1, 40, 100), ], "log"); scores(case, fits[[case]], veteran[c(1, 40, 100), ])
}
curves("veteran_strata", fits$veteran_strata, veteran[c(1, 40, 100), ], "log-log")
scores("veteran_strata", fits$veteran_strata, veteran[c(1, 40, 100), ])
curves("veteran_whole", fits$veteran_whole, veteran[c(1, 40, 100), ], "log")
scores("veteran_whole", fits$veteran_whole, veteran[c(1, 40, 100), ])
naive <- coxph(Surv(late, time, status) ~ age + karno + offset(off) + strata(celltype), veteran, weights = w, robust = FALSE,
               control = tight, nocenter = NULL)
curves("veteran_naive", naive, veteran[c(1, 40, 100), ], "log")
scores("veteran_naive", naive, veteran[c(1, 40, 100), ])
curves("heart", fits$heart, heart[c(2, 9, 30), ], "log-log"); scores("heart", fits$heart, heart[c(2, 9, 30), ])
curves("test1", fits$test1, test1[c(1, 3), ], "log"); curves("test1_breslow", fits$test1_breslow, test1[c(1, 3), ], "log")
for (case in c("ovarian", "heart", "veteran_naive")) {
    fit <- if (case == "veteran_naive") naive else fits[[case]]
    own <- predict(fit, type = "expected", se.fit = TRUE)
    keep(case, "own expected", seq_along(own$fit), 0, own$fit)
    keep(case, "own expected error", seq_along(own$fit), 0, own$se.fit)
}

for (case in c("ovarian", "veteran_strata")) for (transform in c("km", "identity", "log", "rank")) {
    zph <- cox.zph(fits[[case]], transform = transform)
    smooths[[length(smooths) + 1]] <- data.frame(
        case = case, transform = transform, item = "y", column = rep(seq_len(ncol(zph$y)), each = nrow(zph$y)),
        x = digits(rep(zph$x, ncol(zph$y))), value = digits(as.vector(zph$y)), error = "")
    for (column in seq_len(ncol(zph$y))) {
        basis <- splines::ns(zph$x, df = 4)
        decomposition <- qr(cbind(1, basis))
        at <- quantile(zph$x, (0:8) / 8, names = FALSE)
        there <- cbind(1, predict(basis, at))
        smooth <- there %*% qr.coef(decomposition, zph$y[, column])
        inside <- chol2inv(decomposition$qr[1:5, 1:5])
        error <- sqrt(rowSums((there %*% inside) * there) * zph$var[column, column])
        smooths[[length(smooths) + 1]] <- data.frame(case = case, transform = transform, item = "smooth", column = column,
            x = digits(at), value = digits(smooth), error = digits(error))
    }
}
store <- function(parts, file) write.csv(do.call(rbind, parts), file, row.names = FALSE, quote = FALSE)
store(tests, "reference_tests.csv"); store(residuals_, "reference_residuals.csv")
store(predicted, "reference_predicted.csv"); store(smooths, "reference_smooth.csv")
