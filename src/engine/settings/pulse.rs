//! `[pulse]`: how devices are probed for whether they answer.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::keys::{Key, Value, length, plain, quoted, shown};
use super::{Mistake, a_few_seconds, duration, number, or_usual};
use crate::engine::pulse::Thresholds;
use crate::engine::selection::is_in_group;
use crate::engine::series::Keeping;
use crate::model::Device;

/// How devices are probed for whether they answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulseSettings {
    /// Whether devices are watched by themselves.
    pub watch: bool,
    /// How long a reply is waited for.
    pub timeout: Duration,
    /// The port of devices that have none of their own, where the host permits no ICMP.
    pub tcp_port: u16,
    /// From one probe of a device to the next, where no rule says otherwise.
    pub interval: Duration,
    /// When a silent device is down, where no rule says otherwise.
    pub thresholds: Thresholds,
    /// What differs for some, the first that fits.
    pub rules: Vec<PulseRule>,
    /// Addresses that always answer while this host is connected: when all of them are silent, it is not.
    pub canaries: Canaries,
    /// How long every sample is kept.
    pub keep_samples: Duration,
    /// How long the rows of the hours and the changes of state are kept.
    pub keep_rows: Duration,
}

/// What differs for the devices of a role, a group, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulseRule {
    /// Of this role; `None` for any.
    pub role: Option<String>,
    /// In this group or inside it; `None` for any.
    pub group: Option<String>,
    /// See [`PulseSettings::interval`].
    pub interval: Option<Duration>,
    /// See [`Thresholds::misses`].
    pub misses: Option<u32>,
    /// See [`Thresholds::silence`].
    pub silence: Option<Duration>,
}

/// Who tells whether this host is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canaries {
    /// The host's own default gateway.
    Gateway,
    /// These; none at all is "this host is never cut off".
    These(Vec<IpAddr>),
}

impl Default for PulseSettings {
    fn default() -> Self {
        let core = PulseRule {
            role: Some("core".to_owned()),
            group: None,
            interval: Some(Duration::from_secs(2)),
            misses: None,
            silence: None,
        };
        Self {
            watch: true,
            timeout: Duration::from_secs(2),
            tcp_port: 22,
            interval: Duration::from_secs(10),
            thresholds: Thresholds::default(),
            rules: vec![core],
            canaries: Canaries::Gateway,
            keep_samples: Keeping::default().samples,
            keep_rows: Keeping::default().rows,
        }
    }
}

impl PulseSettings {
    /// From one probe of this device to the next.
    pub fn interval_of(&self, device: &Device) -> Duration {
        self.rule(device, |rule| rule.interval).unwrap_or(self.interval)
    }

    /// When this device counts as down.
    pub fn thresholds_of(&self, device: &Device) -> Thresholds {
        Thresholds {
            misses: self.rule(device, |rule| rule.misses).unwrap_or(self.thresholds.misses),
            silence: self.rule(device, |rule| rule.silence).unwrap_or(self.thresholds.silence),
        }
    }

    fn rule<T>(&self, device: &Device, says: impl Fn(&PulseRule) -> Option<T>) -> Option<T> {
        self.rules.iter().filter(|rule| rule.fits(device)).find_map(says)
    }
}

impl PulseRule {
    /// As it stands in the file.
    fn written(&self) -> String {
        let length = |length: Duration| quoted(&shown(length));
        let fields = [
            ("role", self.role.as_deref().map(quoted)),
            ("group", self.group.as_deref().map(quoted)),
            ("interval", self.interval.map(length)),
            ("misses", self.misses.map(|misses| misses.to_string())),
            ("silence", self.silence.map(length)),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| Some(format!("{name} = {}", value?)));
        format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
    }

    fn fits(&self, device: &Device) -> bool {
        self.role.as_ref().is_none_or(|role| *role == device.role)
            && self.group.as_ref().is_none_or(|group| is_in_group(&device.group, group))
    }
}

pub(super) const KEYS: &[Key] = &[
    Key::at_start("watch", "whether devices are watched by themselves: true or false", |s| {
        plain(s.pulse.watch)
    }),
    Key::at_start("timeout", "how long a reply is waited for; 1s to 60s", |s| length(s.pulse.timeout)),
    Key::new("tcp_port", "the port that is tried where this host permits no ICMP; 1 to 65535", |s| {
        plain(s.pulse.tcp_port)
    }),
    Key::new("interval", "from one probe of a device to the next; 1s to 1h", |s| length(s.pulse.interval)),
    Key::new("misses", "a device is down after so many losses in a row; 1 to 100", |s| {
        plain(s.pulse.thresholds.misses)
    }),
    Key::new("silence", "and not before it was silent for so long; at most 1h", |s| {
        length(s.pulse.thresholds.silence)
    }),
    Key::at_start(
        "canaries",
        "addresses that always answer while this host is connected; the default gateway where it is not set",
        |s| match &s.pulse.canaries {
            Canaries::These(addresses) => {
                let addresses: Vec<String> = addresses.iter().map(|one| quoted(&one.to_string())).collect();
                Value::Plain(format!("[{}]", addresses.join(", ")))
            }
            Canaries::Gateway => Value::Unset("[\"192.0.2.1\"]"),
        },
    ),
    Key::at_start("keep_samples", "how long every sample is kept; 1d to 3650d", |s| {
        length(s.pulse.keep_samples)
    }),
    Key::at_start(
        "keep_rows",
        "how long the rows of the hours and changes of state are kept; 7d to 3650d",
        |s| length(s.pulse.keep_rows),
    ),
    Key::new(
        "rule",
        "what differs for a role, a group or both, also as tables [[pulse.rule]]: interval, misses, silence",
        |s| {
            let rules: Vec<String> = s.pulse.rules.iter().map(PulseRule::written).collect();
            Value::Plain(format!("[{}]", rules.join(", ")))
        },
    ),
];

/// The table as it is written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PulseTable {
    watch: Option<bool>,
    timeout: Option<Spanned<String>>,
    tcp_port: Option<Spanned<u32>>,
    interval: Option<Spanned<String>>,
    misses: Option<Spanned<u32>>,
    silence: Option<Spanned<String>>,
    canaries: Option<Vec<Spanned<String>>>,
    keep_samples: Option<Spanned<String>>,
    keep_rows: Option<Spanned<String>>,
    rule: Option<Vec<Spanned<RuleTable>>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RuleTable {
    role: Option<String>,
    group: Option<String>,
    interval: Option<Spanned<String>>,
    misses: Option<Spanned<u32>>,
    silence: Option<Spanned<String>>,
}

impl PulseTable {
    pub(super) fn into_settings(self) -> Result<PulseSettings, Mistake> {
        let usual = PulseSettings::default();
        Ok(PulseSettings {
            watch: self.watch.unwrap_or(usual.watch),
            timeout: or_usual(self.timeout, usual.timeout, a_few_seconds)?,
            tcp_port: or_usual(self.tcp_port, usual.tcp_port, |port| {
                number(port, 1, 65_535).map(|port| u16::try_from(port).unwrap_or(u16::MAX))
            })?,
            interval: or_usual(self.interval, usual.interval, an_interval)?,
            thresholds: Thresholds {
                misses: or_usual(self.misses, usual.thresholds.misses, some_misses)?,
                silence: or_usual(self.silence, usual.thresholds.silence, a_silence)?,
            },
            rules: match self.rule {
                Some(rules) => rules.into_iter().map(read_rule).collect::<Result<_, _>>()?,
                None => usual.rules,
            },
            canaries: match self.canaries {
                Some(canaries) => {
                    Canaries::These(canaries.into_iter().map(an_address).collect::<Result<_, _>>()?)
                }
                None => usual.canaries,
            },
            keep_samples: or_usual(self.keep_samples, usual.keep_samples, |text| from_days(text, 1))?,
            keep_rows: or_usual(self.keep_rows, usual.keep_rows, |text| from_days(text, 7))?,
        })
    }
}

fn read_rule(rule: Spanned<RuleTable>) -> Result<PulseRule, Mistake> {
    let at = rule.span().start;
    let rule = rule.into_inner();
    if rule.role.is_none() && rule.group.is_none() {
        return Err((
            at,
            "a rule needs a role, a group, or both: without, write it under [pulse]".to_owned(),
        ));
    }
    Ok(PulseRule {
        role: rule.role,
        group: rule.group,
        interval: or_usual(rule.interval, None, |text| an_interval(text).map(Some))?,
        misses: or_usual(rule.misses, None, |misses| some_misses(misses).map(Some))?,
        silence: or_usual(rule.silence, None, |text| a_silence(text).map(Some))?,
    })
}

/// Devices limit how often they answer: once a second is the most.
fn an_interval(text: String) -> Result<Duration, String> {
    match duration(text)? {
        interval if (1..=3600).contains(&interval.as_secs()) => Ok(interval),
        _ => Err("out of range: 1s to 1h".to_owned()),
    }
}

/// History is kept in files of hours and days.
fn from_days(text: String, least: u64) -> Result<Duration, String> {
    match duration(text)? {
        length if length.as_secs() >= least * 86_400 => Ok(length),
        _ => Err(format!("out of range: {least}d to 3650d")),
    }
}

fn a_silence(text: String) -> Result<Duration, String> {
    match duration(text)? {
        silence if silence.as_secs() <= 3600 => Ok(silence),
        _ => Err("out of range: 0s to 1h".to_owned()),
    }
}

fn some_misses(misses: u32) -> Result<u32, String> {
    number(misses, 1, 100)
}

fn an_address(text: Spanned<String>) -> Result<IpAddr, Mistake> {
    let at = text.span().start;
    text.get_ref().parse().map_err(|_| (at, format!("{:?} is no IP address", text.get_ref())))
}
