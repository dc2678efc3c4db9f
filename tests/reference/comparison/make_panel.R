# Stored numbers for difference in differences and event studies. `start` and `staggered` are 0 for people never treated;
# rows with hole = 1 are left out where the panel is to have gaps. Needs plm, sandwich.
# Run in this folder: Rscript make_panel.R
suppressMessages({library(plm); library(sandwich)})
d <- read.csv("panel.csv")
out <- data.frame(name = character(), value = character())
put <- function(name, value) out <<- rbind(out, data.frame(name, value = sprintf("%.17g", as.numeric(value))))

# Dummies for people and periods; the clustered sandwich times G/(G - 1), and (n - 1)/(n - p) with p the regressors, a
# constant and the periods' effects (people are inside clusters)
dummies <- function(x, d, w, cluster, name) {
  k <- ncol(x); d$w <- w; d$x <- x
  f <- lm(contacts ~ x + factor(cell) + factor(unit), d, weights = w)
  v <- vcovCL(f, cluster = cluster, type = "HC0", cadjust = TRUE)
  stacks <- if (is.null(d$stack)) 1 else length(unique(d$stack))
  n <- nrow(d); p <- k + 1 + length(unique(d$cell)) - stacks
  at <- 1 + seq_len(k); b <- coef(f)[at]; v <- v[at, at, drop = FALSE] * (n - 1) / (n - p)
  for (j in seq_len(k)) { put(paste(name, "estimate", j), b[j]); put(paste(name, "se", j), sqrt(v[j, j])) }
  invisible(list(b = b, v = v))
}
plain <- function(d, start = "start") { d$cell <- d$period; d$unit <- d$person; d$effect <- as.numeric(d[[start]] > 0 & d$period >= 5); d }
whole <- plain(d); gaps <- plain(d[d$hole == 0, ])
for (case in c("whole", "gaps")) {
  g <- get(case)
  dummies(cbind(g$effect), g, rep(1, nrow(g)), g$person, paste(case, "plain"))
  dummies(cbind(g$effect, g$in_work), g, rep(1, nrow(g)), g$person, paste(case, "covariate"))
  dummies(cbind(g$effect, g$in_work), g, g$weight, g$place, paste(case, "weighted by place"))
  p <- plm(contacts ~ effect + in_work, pdata.frame(g, c("person", "period")), effect = "twoways", model = "within")
  v <- vcovHC(p, method = "arellano", type = "HC0", cluster = "group")
  put(paste(case, "plm estimate"), coef(p)[["effect"]]); put(paste(case, "plm se without small-sample factor"), sqrt(v[1, 1]))
}

# Event study: the first period pooled with the second, reference the last period before the start
since <- pmax(gaps$period - 5, -3)
x <- sapply(c(-3, -2, 0, 1, 2), function(t) as.numeric(gaps$start > 0 & since == t))
e <- dummies(x, gaps, gaps$weight, gaps$person, "event study")
put("event study leads F", c(t(e$b[1:2]) %*% solve(e$v[1:2, 1:2]) %*% e$b[1:2]) / 2)

# Stacks of the starts in periods 4 and 5, two periods before the start to one after its first
stack <- function(g) {
  s <- d[d$period >= g - 2 & d$period <= g + 1 & (d$staggered == g | d$staggered == 0 | d$staggered > g + 1), ]
  s$stack <- g; s$treated <- s$staggered == g; s$since <- s$period - g; s
}
s <- rbind(stack(4), stack(5)); s$cell <- paste(s$stack, s$period); s$unit <- paste(s$stack, s$person)
mass <- function(side) tapply(s$weight * (s$treated == side), s$stack, sum)
q <- (mass(TRUE) / sum(mass(TRUE))) / (mass(FALSE) / sum(mass(FALSE)))
w <- s$weight * ifelse(s$treated, 1, q[as.character(s$stack)])
dummies(cbind(as.numeric(s$treated & s$since >= 0)), s, w, s$person, "stacked")
write.csv(out, "panel_numbers.csv", row.names = FALSE, quote = FALSE)
