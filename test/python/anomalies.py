"""An independent calculation of the bands of anomaly methods, with Python's statistics: for each line of JSON from stdin its verdict as JSON."""
import json
import math
import statistics
import sys

FRACTIONS = {"throughput", "rows_ratio"}
COUNTS = {"inserts", "updates", "soft_deletes", "total_rows"}


def middle_and_scale(values):
    center = statistics.median(values)
    distances = [abs(value - center) for value in values]
    spread = 1.4826 * statistics.median(distances) or 1.2533 * statistics.fmean(distances)
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    return center, max(spread, (tenths[8] - tenths[0]) / 2.563) * math.sqrt(1 + 1 / len(values))


def robust(values, k, metric):
    n = len(values)
    center, scale = middle_and_scale(values)
    log_center, log_scale = middle_and_scale([math.log1p(value) for value in values])
    upper = max(center + k * scale * (1 + 1 / n), math.expm1(log_center + k * log_scale * (1 + 1 / n)))
    lower = math.expm1(log_center - k * log_scale * 1.15 * (1 + 4 / n))
    if metric in COUNTS:
        upper, lower = max(upper, center + 2 * math.sqrt(center)), min(lower, center - 2 * math.sqrt(center))
    return center, lower, upper


def zscore(values, k, metric):
    center = statistics.fmean(values)
    deviation = statistics.stdev(values)
    if len(set(values)) == 1:
        center, share = values[0], abs(values[0]) / 100
        deviation = share if metric in FRACTIONS and share > 0 else max(share, 1)
    return center, center - k * deviation, center + k * deviation


def judge(case):
    rule, value, values = case["rule"], case["value"], case["values"]
    metric, low, high = rule["metric_field"], rule["min_value"], rule["max_value"]
    if (low is not None and value < low) or (high is not None and value > high):
        return {"flagged": True}
    if rule["method"] == "bounds":
        return {"flagged": False}
    if len(values) < rule["minimum_executions"]:
        return {"flagged": False}
    center, lower, upper = {"robust": robust, "zscore": zscore}[rule["method"]](
        values, rule["std_deviation_threshold_multiplier"], metric
    )
    least = abs(center) * rule["min_change_percent"] / 100
    if rule["min_change_percent"] > 0 and metric not in FRACTIONS:
        least = max(least, 1)
    lower, upper = min(lower, center - least), max(upper, center + least)
    side = "above" if value > center else "below"
    flagged = value < lower or value > upper
    if rule["method"] == "robust":
        as_far = sum(1 for other in values if (other >= value if side == "above" else other <= value))
        if as_far > len(values) / 10:
            flagged = False
        elif value == 0 and min(values) >= 5:
            flagged = True
    if rule["direction"] not in ("both", side):
        flagged = False
    return {"flagged": flagged, "center": center, "lower": lower, "upper": upper}


for line in sys.stdin:
    print(json.dumps(judge(json.loads(line))))
