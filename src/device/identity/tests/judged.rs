//! Whom the rules believe.

use super::{Rules, Seen, seen};

#[test]
fn the_chassis_is_believed_unless_it_says_nothing() {
    let rules = Rules::embedded();
    let descr = "Cisco IOS Software, C2960 Software (C2960-LANBASEK9-M), Version 12.2(55)SE7";
    let with_chassis = |model: &str, serial: &str| Seen {
        entity_model: Some(model.into()),
        entity_serial: Some(serial.into()),
        ..seen("9.1.716", descr)
    };
    let found = rules.judge(&with_chassis("WS-C2960-24TT-L", "FOC0000A001"));
    assert_eq!(found.model.as_deref(), Some("WS-C2960-24TT-L"));
    assert_eq!(found.serial.as_deref(), Some("FOC0000A001"));
    let found = rules.judge(&with_chassis("N/A", "0000000000"));
    assert_eq!(found.model.as_deref(), Some("Catalyst 2960-24TT"));
    assert_eq!(found.serial, None);
}

#[test]
fn a_description_that_is_the_name_is_no_model() {
    let rules = Rules::embedded();
    let called = |name: &str| Seen { name: Some(name.into()), ..seen("11256.2.0", "SN310") };
    assert_eq!(rules.judge(&called("SN310")).model, None);
    assert_eq!(rules.judge(&called("fw2-north")).model.as_deref(), Some("SN310"));
}

#[test]
fn an_agent_that_says_nothing_is_nobody() {
    assert_eq!(Rules::embedded().judge(&Seen::default()), Default::default());
}

#[test]
fn a_makers_name_is_written_as_everywhere() {
    let rules = Rules::embedded();
    let ups = |maker: &str| {
        let mut seen = seen("8072.3.2.10", "Linux ups 4.9.0 #1 SMP armv7l");
        for question in rules.questions(&seen) {
            let answer = match question.oid.to_string().as_str() {
                "1.3.6.1.2.1.33.1.1.1.0" => maker,
                "1.3.6.1.2.1.33.1.1.2.0" => "X 3000",
                _ => continue,
            };
            seen.answers.insert(question, answer.to_owned());
        }
        rules.judge(&seen).vendor.unwrap()
    };
    for (said, wanted) in [
        ("HUAWEI", "Huawei"),
        ("EATON Corporation", "Eaton"),
        ("Eatonville Power", "Eatonville Power"),
        ("Zorblax", "Zorblax"),
    ] {
        assert_eq!(ups(said), wanted, "{said}");
    }
}
