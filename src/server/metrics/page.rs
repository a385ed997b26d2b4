//! The page of metrics in docs/, made of their table.

use std::fmt::Write;

use super::table::{Kind, METRICS, Values};

const HEAD: &str = "# Metrics

Made from the program's own table: `NOCTULE_WRITE_DOCS=1 cargo test --test it docs`.

`noctule serve` has metrics for Prometheus where `config.toml` asks for them:

```toml
[serve]
metrics = \"127.0.0.1:9470\"   # or \"[::1]:9470\", or a Unix socket: \"/run/noctule-metrics/metrics.sock\"
```

`curl http://127.0.0.1:9470/metrics` shows them, `curl --unix-socket /run/noctule-metrics/metrics.sock
http://localhost/metrics` through a socket; in Prometheus' own configuration:

```yaml
scrape_configs:
  - job_name: noctule
    static_configs:
      - targets: [\"127.0.0.1:9470\"]
```

* **Who can read them.** Nothing but this host: an address that others reach is refused. Every account of the host
  reaches its loopback, and noctule asks nobody there who they are. So there are counts and states in them and nothing
  else: no name of a device, person, group or target, no address, no text. Whoever wants to keep the counts from the
  host's other accounts names a Unix socket: it is for its owner and the group of its folder (mode 0660), in a folder that
  the account that runs noctule may write to (the systemd unit makes `/run/noctule-metrics`).
* **Cardinality.** A label has the values that stand below and no others: the number of series is the same for ten devices
  and for ten thousand.
* **What is not known is not there**: an engine that has made no backup since it began says nothing of how long its last
  one took, a disk that does not answer within two seconds has no size. Times are given as when something was, in seconds
  since 1970: `time() - noctule_backup_newest_success_timestamp_seconds` is its age. What is counted begins anew with the
  engine.
* **The format** is Prometheus' text format 0.0.4 over HTTP/1.1, a request for each connection, `GET /metrics` alone.
  Figures are at most a quarter of a second old.
* A changed `metrics` is taken up while noctule runs. Where the place cannot be taken, the engine goes on without it, says
  so in its log and as an event, and tries again every ten seconds.

Some that are worth an alarm:

```
noctule_store_writable == 0
time() - noctule_pulse_timestamp_seconds > 30
noctule_devices_backup_state{state=\"failed\"} > 0
time() - noctule_backup_oldest_success_timestamp_seconds > 3 * 86400
noctule_notifications{state=\"given-up\"} > 0
noctule_audit_anchor_failing == 1
```

| name | type | labels | what it is |
|---|---|---|---|
";

/// The page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for metric in METRICS {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let labels = match metric.values {
            Values::One(_) => String::new(),
            // the only one whose values are not fixed for good
            Values::By("version", _) => "`version`".to_owned(),
            Values::By(label, values) => {
                let values: Vec<&str> = values.iter().map(|(of, _)| *of).collect();
                format!("`{label}`: {}", values.join(", "))
            }
        };
        // writing to a string does not fail
        let _ = writeln!(page, "| `{}` | {kind} | {labels} | {} |", metric.name, metric.help);
    }
    page
}
