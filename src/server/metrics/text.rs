//! Prometheus' text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/. One family after another,
//! each with its help, its type and its samples; a line feed ends every line, the last one too.

use std::fmt::Write;

use super::table::{Kind, Metric, Scrape, Values};

/// The metrics of a scrape. A value that is not known is not there, and a family without a value is not there at all.
pub fn write(metrics: &[Metric], scrape: &Scrape) -> String {
    let mut text = String::with_capacity(16 << 10);
    for metric in metrics {
        let samples = samples(metric, scrape);
        if samples.is_empty() {
            continue;
        }
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // writing to a string does not fail
        let _ = writeln!(text, "# HELP {} {}\n# TYPE {} {kind}", metric.name, help(metric.help), metric.name);
        for (label, value) in samples {
            let _ = match label {
                Some((name, of)) => {
                    writeln!(text, "{}{{{name}=\"{}\"}} {value}", metric.name, label_value(of))
                }
                None => writeln!(text, "{} {value}", metric.name),
            };
        }
    }
    text
}

/// A sample's label with its value, where it has one, and the sample's value.
type Sample = (Option<(&'static str, &'static str)>, f64);

fn samples(metric: &Metric, scrape: &Scrape) -> Vec<Sample> {
    match metric.values {
        Values::One(value) => value(scrape).map(|value| (None, value)).into_iter().collect(),
        Values::By(label, values) => {
            let known = values.iter().filter_map(|(of, value)| Some((*of, value(scrape)?)));
            known.map(|(of, value)| (Some((label, of)), value)).collect()
        }
    }
}

fn help(text: &str) -> String {
    text.replace('\\', r"\\").replace('\n', r"\n")
}

fn label_value(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::metrics::table::tests::scrape;

    #[test]
    fn help_and_labels_are_escaped_and_what_is_unknown_is_not_there() {
        let metrics = [
            Metric {
                name: "a_total",
                kind: Kind::Counter,
                help: "A \\ back\nslash \"quoted\".",
                values: Values::By(
                    "of",
                    &[("x\"\\\ny", |_| Some(1.0)), ("unknown", |_| None), ("z", |_| Some(1_795_521_600.25))],
                ),
            },
            Metric { name: "b", kind: Kind::Gauge, help: "B.", values: Values::One(|_| None) },
            Metric { name: "c", kind: Kind::Gauge, help: "C.", values: Values::One(|_| Some(9e15)) },
        ];
        assert_eq!(
            write(&metrics, &scrape()),
            "# HELP a_total A \\\\ back\\nslash \"quoted\".\n# TYPE a_total counter\na_total{of=\"x\\\"\\\\\\ny\"} 1\n\
             a_total{of=\"z\"} 1795521600.25\n# HELP c C.\n# TYPE c gauge\nc 9000000000000000\n"
        );
    }
}
