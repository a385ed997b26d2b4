//! What the rules make of what an agent said.

use std::collections::HashMap;

use super::pattern::Pattern;
use super::plain;
use super::rules::{CompiledAsk, CompiledRule, Rules};
use super::schema::{Fact, Source};
use crate::device::snmp::Oid;

/// `1.3.6.1.4.1`
const ENTERPRISES: [u32; 6] = [1, 3, 6, 1, 4, 1];

/// What an agent said: clean texts.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// sysObjectID.
    pub object: Option<Oid>,
    /// sysDescr on one line.
    pub descr: Option<String>,
    /// sysName.
    pub name: Option<String>,
    /// entPhysicalDescr, entPhysicalName and entPhysicalSoftwareRev of the chassis.
    pub entity_words: Vec<String>,
    /// entPhysicalModelName of the chassis.
    pub entity_model: Option<String>,
    /// entPhysicalSerialNum of the chassis.
    pub entity_serial: Option<String>,
    /// entPhysicalSoftwareRev of the chassis.
    pub entity_version: Option<String>,
    /// The answers to what [`Rules::questions`] asks.
    pub answers: HashMap<Question, String>,
}

/// An object of a maker's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Which object.
    pub oid: Oid,
    /// Whether its first instance is meant, whichever that is.
    pub is_column: bool,
}

/// What the rules know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The maker.
    pub vendor: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The operating system.
    pub os: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The serial number of the chassis.
    pub serial: Option<String>,
    /// The driver.
    pub driver: Option<String>,
}

impl Rules {
    /// What to ask a device of that sysObjectID and sysDescr, beyond what is asked of every device.
    pub fn questions(&self, seen: &Seen) -> Vec<Question> {
        let mut questions: Vec<Question> = Vec::new();
        let candidates = self.candidates(seen);
        let certain = of_one_maker(candidates.iter().copied().filter(|rule| rule.has.is_none()));
        // whether these fit shows when the object answers, and then nobody wants to ask a second time
        let perhaps = candidates.iter().copied().filter(|rule| rule.has.is_some());
        for rule in certain.into_iter().chain(perhaps) {
            for ask in rule.has.iter().chain(&rule.asks) {
                if let Some(question) = question(ask, seen).filter(|question| !questions.contains(question)) {
                    questions.push(question);
                }
            }
        }
        questions
    }

    /// What the device is.
    pub fn judge(&self, seen: &Seen) -> Findings {
        let fitting = self.fitting(seen);
        let first =
            |of: fn(&CompiledRule) -> Option<&String>| fitting.iter().find_map(|rule| of(rule)).cloned();
        let captured = |fact| fitting.iter().find_map(|rule| captured(rule, fact, seen));
        let asked = |fact| fitting.iter().find_map(|rule| asked(rule, fact, seen));
        let called = |fact| fitting.iter().find_map(|rule| called(rule, fact, seen));
        let vendor = match fitting.first() {
            Some(rule) => {
                let said = captured(Fact::Vendor).or_else(|| asked(Fact::Vendor));
                said.map(|said| self.as_usual(said)).or_else(|| rule.vendor.clone())
            }
            None => self.maker(seen),
        };
        let believed = fitting.iter().find_map(|rule| rule.entity.clone());
        let believed = believed.unwrap_or_else(|| vec![Fact::Model, Fact::Serial, Fact::Version]);
        let entity = |fact, value: &Option<String>| {
            value.clone().filter(|value| believed.contains(&fact) && is_meant(value))
        };
        let tidy = fitting.iter().find_map(|rule| rule.tidy.as_ref());
        let tidied = |model: String| match tidy.and_then(|tidy| group(tidy, &model, "model")) {
            Some(tidied) => tidied,
            None => model,
        };
        let prefer = fitting.iter().find_map(|rule| rule.prefer.clone());
        let prefer = prefer.unwrap_or_else(|| {
            vec![Source::Entity, Source::Ask, Source::Text, Source::Chassis, Source::Table]
        });
        let model = prefer.iter().find_map(|source| match source {
            Source::Entity => entity(Fact::Model, &seen.entity_model).map(tidied),
            Source::Chassis => called(Fact::Model),
            Source::Ask => asked(Fact::Model).map(tidied),
            Source::Text => captured(Fact::Model),
            Source::Table => tabled(&fitting, seen),
        });
        // sysDescr of a maker's own agent speaks of the device, also where no rule knows how
        let own_words =
            seen.descr.as_deref().zip(vendor.as_deref()).filter(|_| self.has_maker(enterprise_part(seen)));
        let model = model.or_else(|| first(|rule| rule.model.as_ref()));
        let os = captured(Fact::Os).or_else(|| first(|rule| rule.os.as_ref()));
        Findings {
            model: model
                .or_else(|| {
                    // an agent that is given its own name for a description says nothing of its model
                    let words = own_words.filter(|(descr, _)| seen.name.as_deref() != Some(*descr));
                    words.and_then(|(descr, vendor)| plain::model(descr, vendor))
                })
                .filter(|_| vendor.is_some()),
            version: asked(Fact::Version)
                .or_else(|| captured(Fact::Version))
                .or_else(|| called(Fact::Version))
                .or_else(|| entity(Fact::Version, &seen.entity_version))
                .or_else(|| own_words.and_then(|(descr, _)| plain::version(descr))),
            serial: asked(Fact::Serial)
                .or_else(|| entity(Fact::Serial, &seen.entity_serial))
                .or_else(|| captured(Fact::Serial))
                .or_else(|| own_words.and_then(|(descr, _)| plain::serial(descr))),
            driver: first(|rule| rule.driver.as_ref()),
            vendor,
            os,
        }
    }

    /// The rules that fit, best first, all of one maker.
    fn fitting(&self, seen: &Seen) -> Vec<&CompiledRule> {
        let has = |rule: &&CompiledRule| rule.has.as_ref().is_none_or(|ask| answered(ask, seen).is_some());
        of_one_maker(self.candidates(seen).into_iter().filter(has))
    }

    /// The rules whose number and words fit, best first: the longest sysObjectID, then those that more than that confirms.
    fn candidates(&self, seen: &Seen) -> Vec<&CompiledRule> {
        let object = enterprise_part(seen);
        let descr = seen.descr.as_deref().unwrap_or("");
        let fits = |rule: &&CompiledRule| {
            rule.text.as_ref().is_none_or(|text| text.is_match(descr))
                && !rule.without.as_ref().is_some_and(|without| without.is_match(descr))
        };
        let of_object = self.0.rules.iter().filter_map(|rule| {
            let longest = rule.objects.iter().filter(|one| object.starts_with(one)).map(Vec::len).max();
            Some((longest.filter(|length| *length > 0)?, rule)).filter(|(_, rule)| fits(rule))
        });
        let mut fitting: Vec<(usize, &CompiledRule)> = of_object.collect();
        if fitting.is_empty() && !self.has_maker(object) {
            let of_nobody = self.0.rules.iter().filter(|rule| rule.objects.iter().all(Vec::is_empty));
            fitting.extend(of_nobody.filter(fits).map(|rule| (0, rule)));
        }
        // stable: of equals, the first one written wins
        let is_confirmed = |rule: &CompiledRule| rule.text.is_some() || rule.has.is_some();
        fitting.sort_by_key(|(length, rule)| std::cmp::Reverse((*length, is_confirmed(rule))));
        fitting.into_iter().map(|(_, rule)| rule).collect()
    }

    fn has_maker(&self, object: &[u32]) -> bool {
        object.first().is_some_and(|number| self.0.enterprises.contains_key(number))
    }

    /// A maker's name as the rules write it: `HUAWEI` and `EATON Corporation` are known.
    fn as_usual(&self, said: String) -> String {
        let begins = |name: &&str| {
            let (start, rest) = match said.split_at_checked(name.len()) {
                Some(parts) => parts,
                None => return false,
            };
            start.eq_ignore_ascii_case(name) && !rest.starts_with(|c: char| c.is_alphanumeric())
        };
        self.vendors()
            .filter(begins)
            .max_by_key(|name| name.len())
            .map_or_else(|| said.clone(), str::to_owned)
    }

    /// Who was given the enterprise number.
    fn maker(&self, seen: &Seen) -> Option<String> {
        let number = *enterprise_part(seen).first()?;
        self.0.enterprises.get(&number).filter(|_| !self.0.agents.contains_key(&number)).cloned()
    }
}

/// sysObjectID behind `1.3.6.1.4.1`.
fn enterprise_part(seen: &Seen) -> &[u32] {
    let numbers = seen.object.as_ref().map(Oid::numbers);
    numbers.and_then(|numbers| numbers.strip_prefix(&ENTERPRISES)).unwrap_or(&[])
}

fn question(ask: &CompiledAsk, seen: &Seen) -> Option<Question> {
    let oid = if ask.is_relative { seen.object.as_ref()?.with(&ask.oid) } else { Oid::new(&ask.oid) };
    Some(Question { oid, is_column: ask.is_column })
}

/// The first one and what else is its maker's.
fn of_one_maker<'a>(rules: impl Iterator<Item = &'a CompiledRule>) -> Vec<&'a CompiledRule> {
    let mut rules = rules.peekable();
    let maker = rules.peek().and_then(|rule| rule.vendor.clone());
    rules.filter(|rule| rule.vendor == maker).collect()
}

fn asked(rule: &CompiledRule, fact: Fact, seen: &Seen) -> Option<String> {
    rule.asks.iter().filter(|ask| ask.fact == fact).find_map(|ask| answered(ask, seen))
}

fn answered(ask: &CompiledAsk, seen: &Seen) -> Option<String> {
    let answer = seen.answers.get(&question(ask, seen)?)?;
    let answer = match &ask.find {
        Some(find) => find.captures(answer)?.get(1)?.as_str(),
        None => answer,
    };
    Some(answer.trim().to_owned()).filter(|answer| is_meant(answer))
}

fn called(rule: &CompiledRule, fact: Fact, seen: &Seen) -> Option<String> {
    let found = |words: &String| rule.chassis.iter().find_map(|facts| group(facts, words, fact.group()));
    seen.entity_words.iter().find_map(found).filter(|fact| is_meant(fact))
}

fn captured(rule: &CompiledRule, fact: Fact, seen: &Seen) -> Option<String> {
    let descr = seen.descr.as_deref()?;
    rule.facts.iter().find_map(|facts| group(facts, descr, fact.group())).filter(|fact| is_meant(fact))
}

fn group(pattern: &Pattern, text: &str, name: &str) -> Option<String> {
    // what ends a phrase is not part of the word before it
    let found = pattern.captures(text)?.name(name)?.as_str().trim_end_matches([' ', ',', ';', '.']).trim();
    (!found.is_empty()).then(|| found.to_owned())
}

fn tabled(fitting: &[&CompiledRule], seen: &Seen) -> Option<String> {
    let object = enterprise_part(seen);
    fitting.iter().find_map(|rule| rule.models.get(object)).cloned()
}

/// Whether an agent means what it says: makers fill fields in with words that say nothing.
pub(super) fn is_meant(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let says_nothing = matches!(
        lower.as_str(),
        "n/a"
            | "na"
            | "none"
            | "unknown"
            | "unspecified"
            | "not specified"
            | "not available"
            | "null"
            | "default"
            | "default string"
            | "to be filled by o.e.m."
            | "invalid"
            | "empty"
            | "chassis"
            | "stack"
            | "x"
            | "model"
            | "stack mode"
            | "virtual chassis"
            | "uninitialized"
            | "not set"
            | "not defined"
            | "no value"
            | "nil"
            | "noname"
            | "xxxxxxxxxx"
            | "switch"
            | "router"
            | "ups"
            | "not applicable"
            | "undefined"
            | "system serial number"
            | "0123456789"
            | "123456789"
            | "unavailable"
    );
    let has_sign = lower.chars().any(|c| c.is_alphanumeric() && c != '0');
    !says_nothing && has_sign && (2..=96).contains(&value.chars().count())
}
