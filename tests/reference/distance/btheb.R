# Beating the Blues (HSAUR): lm by treatment, and lme4 models of the readings over time, to btheb.csv.
# Satterthwaite's degrees of freedom are lmerTest's.
# Run: Rscript btheb.R <HSAUR_BtheB.csv>
suppressPackageStartupMessages({library(lme4); library(lmerTest)})
data <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = FALSE)
data$treated <- as.integer(data$treatment == "BtheB")
names(data) <- sub("bdi\\.", "bdi_", names(data))
rows <- list()
add <- function(model, table) rows[[length(rows) + 1]] <<- data.frame(model = model, term = rownames(table), table)
for (month in c("2m", "8m")) {
  d <- data
  d$after <- d[[paste0("bdi_", month)]]
  for (what in c("plain", "adjusted")) {
    fit <- lm(if (what == "plain") after ~ treated + bdi_pre else after ~ treated + bdi_pre + drug + length, d)
    s <- summary(fit)$coefficients
    ci <- confint(fit)
    add(paste("ancova", month, what),
        data.frame(estimate = s[, 1], std_error = s[, 2], p_value = s[, 4], low = ci[, 1], high = ci[, 2], df = NA))
  }
  change <- lm(I(after - bdi_pre) ~ treated, d)
  s <- summary(change)$coefficients
  ci <- confint(change)
  add(paste("change", month),
      data.frame(estimate = s[, 1], std_error = s[, 2], p_value = s[, 4], low = ci[, 1], high = ci[, 2], df = NA))
}
months <- c(2, 4, 6, 8)
long <- do.call(rbind, lapply(months, function(m) {
  data.frame(who = data$rownames, month = m, score = data[[paste0("bdi_", m, "m")]], before = data$bdi_pre,
             treated = data$treated)
}))
long <- long[!is.na(long$score), ]
tight <- lmerControl(optimizer = "Nelder_Mead", optCtrl = list(FtolAbs = 1e-14, FtolRel = 1e-15, XtolRel = 1e-12,
                     maxfun = 1e5), check.conv.singular = "ignore", check.conv.grad = "ignore",
                     check.conv.hess = "ignore")
for (reml in c(TRUE, FALSE)) for (slope in c(FALSE, TRUE)) {
  formula <- if (slope) score ~ before + treated + month + (1 + month | who) else
    score ~ before + treated + month + (1 | who)
  fit <- lmer(formula, long, REML = reml, control = tight)
  s <- summary(fit)$coefficients
  v <- as.data.frame(VarCorr(fit))
  name <- paste("mixed", if (slope) "slope" else "intercept", if (reml) "REML" else "ML")
  add(name, data.frame(estimate = s[, "Estimate"], std_error = s[, "Std. Error"], p_value = s[, "Pr(>|t|)"],
                       low = NA, high = NA, df = s[, "df"]))
  extra <- data.frame(estimate = c(v$vcov, as.numeric(logLik(fit))), std_error = NA, p_value = NA, low = NA, high = NA,
                      df = NA)
  rownames(extra) <- c(paste("vcov", v$grp, v$var1, ifelse(is.na(v$var2), "", v$var2)), "log_likelihood")
  add(name, extra)
}
table <- do.call(rbind, rows)
table[] <- lapply(table, function(x) if (is.double(x)) sprintf("%.17g", x) else x)
write.csv(table, "btheb.csv", row.names = FALSE, quote = FALSE)
