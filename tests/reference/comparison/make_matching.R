# Stored numbers for Firth's penalty, strata weights, raking and balance. Run in this folder: Rscript make_matching.R
suppressMessages({library(brglm2)})
d <- read.csv("people.csv")
out <- data.frame(name = character(), value = character())
put <- function(name, value) out <<- rbind(out, data.frame(name, value = sprintf("%.17g", as.numeric(value))))

# Firth's penalty: bias reduction of a logit (brglm2, mean-bias-reducing adjusted scores)
firth <- function(name, formula, data) {
  f <- glm(formula, binomial, data, method = "brglmFit", type = "AS_mean", epsilon = 1e-14, maxit = 2000)
  s <- summary(f)$coefficients
  for (term in rownames(s)) { put(paste(name, term), s[term, 1]); put(paste(name, "se", term), s[term, 2]) }
}
firth("firth", joined ~ age + prior + area, d)
d$cut <- as.integer(d$joined == 1 & d$prior >= 2)
firth("firth separated", joined ~ age + prior + cut, d)
write.csv(out, "matching.csv", row.names = FALSE, quote = FALSE)
