//! Numbers for people: three significant digits, and a suitable unit.

/// A value in its unit: `1.25 Mbit/s`, `43.1 ms`, `12,345`.
#[must_use]
pub fn quantity(value: f64, unit: &str) -> String {
    let (scaled, unit) = match unit {
        "s" => seconds_scale(value),
        "bit/s" | "J" | "W" => thousands_scale(value, unit, ["", "k", "M", "G", "T", "P"]),
        "B" => thousands_scale(value, unit, ["", "k", "M", "G", "T", "P"]),
        _ => (value, unit.to_owned()),
    };
    let digits = digits(scaled);
    if unit.is_empty() { digits } else { format!("{digits} {unit}") }
}

/// Seconds as [`quantity`] shows them.
#[must_use]
pub fn seconds(value: f64) -> String {
    quantity(value, "s")
}

/// Three significant digits; whole numbers whole, with commas between thousands.
#[must_use]
pub fn digits(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "-".into();
    }
    if size >= 999.5 || value.fract() == 0.0 {
        return grouped(value);
    }
    let decimals = match size {
        99.95.. => 0,
        9.995.. => 1,
        0.9995.. => 2,
        0.09995.. => 3,
        0.009_995.. => 4,
        0.0005.. => 5,
        _ => return format!("{value:.1e}"),
    };
    let text = format!("{value:.decimals$}");
    // Below one, zeros at the end say nothing.
    if size < 0.9995 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// An interval in the unit of its upper end, or of its lower if the upper is infinite: `2.88 to 2.92 s`. Equal ends are
/// one value; of ends that are the same in three digits only their closeness is given.
#[must_use]
pub fn range(low: f64, high: f64, unit: &str) -> String {
    if low >= high {
        return quantity(low, unit);
    }
    if !high.is_finite() {
        return format!("{} or more", quantity(low, unit));
    }
    let (from, to) = (quantity(low, unit), quantity(high, unit));
    if from == to {
        return format!("{to}, within 0.5 %");
    }
    // The unit stands once if both ends have the same.
    match (from.split_once(' '), to.split_once(' ')) {
        (Some((number, one)), Some((_, other))) if one == other => format!("{number} to {to}"),
        _ => format!("{from} to {to}"),
    }
}

fn seconds_scale(value: f64) -> (f64, String) {
    let (factor, unit) = match value.abs() {
        // The clock of a run ticks in nanoseconds: what is less comes of rounding.
        size if size < 0.5e-9 => return (0.0, "s".to_owned()),
        7200.0.. => (1.0 / 3600.0, "h"),
        300.0.. => (1.0 / 60.0, "min"),
        0.9995.. => (1.0, "s"),
        0.000_999_5.. => (1e3, "ms"),
        _ => (1e6, "µs"),
    };
    (value * factor, unit.to_owned())
}

fn thousands_scale(value: f64, unit: &str, prefixes: [&str; 6]) -> (f64, String) {
    let (mut scaled, mut at) = (value, 0);
    while scaled.abs() >= 999.5 && at + 1 < prefixes.len() {
        scaled /= 1000.0;
        at += 1;
    }
    (scaled, format!("{}{unit}", prefixes[at]))
}

/// A whole number with commas.
#[must_use]
pub fn grouped(value: f64) -> String {
    let text = format!("{value:.0}");
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let mut out = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_names_its_ends_and_no_digits_that_are_noise() {
        for (low, high, unit, text) in [
            (2.88, 2.92, "s", "2.88 to 2.92 s"),
            (0.3, 1.4, "s", "300 ms to 1.40 s"),
            (2.9, 2.9, "s", "2.90 s"),
            (2.900_000_1, 2.900_000_2, "s", "2.90 s, within 0.5 %"),
            (1.5, f64::INFINITY, "s", "1.50 s or more"),
            (99.1, 100.0, "%", "99.1 to 100 %"),
            (3.0, 4.0, "", "3 to 4"),
        ] {
            assert_eq!(range(low, high, unit), text);
        }
    }

    #[test]
    fn numbers_have_three_digits_and_a_unit_that_fits() {
        for (value, unit, text) in [
            (0.0, "s", "0 s"),
            (7.1e-15, "s", "0 s"),
            (0.0431, "s", "43.1 ms"),
            (0.000_012_5, "s", "12.5 µs"),
            (0.9996, "s", "1.00 s"),
            (12.345, "s", "12.3 s"),
            (600.0, "s", "10 min"),
            (86_400.0, "s", "24 h"),
            (1_250_000.0, "bit/s", "1.25 Mbit/s"),
            (999.7, "B", "1.00 kB"),
            (49.96, "tx/s", "50.0 tx/s"),
            (12_345.6, "", "12,346"),
            (1_234_567.0, "", "1,234,567"),
            (-1500.0, "", "-1,500"),
            (7.0, "blocks", "7 blocks"),
            (0.5, "%", "0.5 %"),
            (0.0012, "%", "0.0012 %"),
            (0.000_01, "", "1.0e-5"),
            (f64::NAN, "", "-"),
        ] {
            assert_eq!(quantity(value, unit), text, "{value} {unit}");
        }
    }
}
