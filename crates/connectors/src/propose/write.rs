//! A proposal as a mapping file: each setting with its reason behind it, doubts as comments with their candidates.

use super::{Candidate, Choice, Doubt, Proposal, Value};
use std::fmt::Write;

pub fn toml(proposal: &Proposal, files: &str) -> String {
    let mut out = String::new();
    let doubts = proposal.doubts.len();
    let state = match doubts {
        0 => "Nothing in it is in doubt.".to_owned(),
        n => format!("{n} line(s) that begin with \"# ?\" wait for a person."),
    };
    let whole = if proposal.container.connector() == "sql" { "table" } else { "file" };
    let _ =
        writeln!(out, "# Proposed from the {whole} itself: each line with how sure it is, and why. {state}");
    let _ = writeln!(out, "# What each setting means: crates/connectors/README.md.\n");
    for note in &proposal.notes {
        let _ = writeln!(out, "# {}", line(note));
    }
    let _ = writeln!(out, "format = {}", text(proposal.container.connector()));
    if !files.is_empty() {
        let _ = writeln!(out, "files = {}", text(files));
    }
    out.push_str(&proposal.container.settings());
    asked(&mut out, proposal, "sheet", "sheet");
    for setting in ["rows", "date_format"] {
        one(&mut out, proposal, setting, setting);
    }
    if let Some(Value::Column(caption)) = proposal.choice("skip_if_blank").map(|choice| &choice.value) {
        let why = proposal.choice("skip_if_blank").map(reason).unwrap_or_default();
        let _ = writeln!(out, "skip_if_blank = [{}]{why}", text(caption));
    }
    groups(&mut out, proposal);
    match proposal.choice("key").map(|choice| &choice.value) {
        Some(Value::Column(caption)) => _ = writeln!(out, "key = [{}]", text(caption)),
        _ => asked(&mut out, proposal, "key", "key"),
    }
    unused(&mut out, proposal);
    codes(&mut out, proposal);
    section(&mut out, proposal, "periods");
    fields(&mut out, proposal);
    results(&mut out, proposal);
    out
}

/// Only rows of these groups are read.
fn groups(out: &mut String, proposal: &Proposal) {
    if let Some(choice) = proposal.choice("groups")
        && let Value::Values(caption, codes) = &choice.value
    {
        let codes: Vec<String> = codes.keys().map(|code| text(code)).collect();
        let _ = writeln!(out, "where = {{ {} = [{}] }}{}", text(caption), codes.join(", "), reason(choice));
    }
    asked(out, proposal, "groups", "where");
}

fn one(out: &mut String, proposal: &Proposal, setting: &str, name: &str) {
    if let Some(choice) = proposal.choice(setting) {
        let _ = writeln!(out, "{name} = {}{}", value(&choice.value), reason(choice));
    }
    asked(out, proposal, setting, name);
}

/// The doubts about a setting and what is under it, as comments.
fn asked(out: &mut String, proposal: &Proposal, setting: &str, name: &str) {
    for doubt in proposal.doubts.iter().filter(|doubt| doubt.setting == setting) {
        comment(out, doubt, name);
    }
}

fn comment(out: &mut String, doubt: &Doubt, name: &str) {
    let _ = writeln!(out, "# ? {}", line(&doubt.question));
    if !doubt.free.is_empty() {
        let _ = writeln!(out, "# ? {name} = ... ({})", doubt.free);
    }
    for Candidate { value: of, words, confidence } in &doubt.candidates {
        let sure = if *confidence > 0 { format!(" ({confidence} %)") } else { String::new() };
        let _ = writeln!(out, "# ? {name} = {}   # {}{sure}", offered(doubt, of), line(words));
    }
}

/// A candidate as it would stand in the file.
fn offered(doubt: &Doubt, of: &Value) -> String {
    match (of, doubt.setting.as_str()) {
        (Value::Text(scale), "fields.scale") => {
            let (id, version) = scale.split_once('@').unwrap_or((scale, "1"));
            format!("{{ const = {} }}, with scale_version = {{ const = {} }}", text(id), text(version))
        }
        (Value::Text(constant), setting) if is_field(setting) => format!("{{ const = {} }}", text(constant)),
        _ => value(of),
    }
}

fn unused(out: &mut String, proposal: &Proposal) {
    let offers = |doubt: &&Doubt, caption: &str| {
        let is_it = |candidate: &Candidate| matches!(&candidate.value, Value::Column(of) if of == caption);
        doubt.candidates.iter().any(is_it)
            || doubt.setting.starts_with("result.") && doubt.question.contains(caption)
    };
    // Without an answer that must be given nothing is read: none of its columns is passed over before.
    let needed = |caption: &str| {
        proposal.doubts.iter().filter(|doubt| doubt.must).any(|doubt| offers(&doubt, caption))
    };
    let left: Vec<_> = proposal.unused.iter().filter(|(caption, _)| !needed(caption)).collect();
    if left.is_empty() {
        return;
    }
    out.push_str("ignore = [\n");
    for (caption, why) in left {
        // One that is only in doubt is read as soon as a field names it, whether it stands here or not; until then no export is
        // called faulty for it.
        match proposal.doubts.iter().find(|doubt| offers(doubt, caption)) {
            Some(doubt) => {
                let may_be = doubt.setting.strip_prefix("fields.").unwrap_or(&doubt.setting);
                let _ = writeln!(out, "    {},   # in doubt: may be {may_be}, see \"# ?\"", text(caption));
            }
            None => _ = writeln!(out, "    {},   # {why}", text(caption)),
        }
    }
    out.push_str("]\n");
}

fn codes(out: &mut String, proposal: &Proposal) {
    let open = proposal.doubts.iter().any(|doubt| doubt.setting.starts_with("codes"));
    let Some(choice) = proposal.choice("codes") else {
        if open {
            out.push_str("\n[codes]\n");
            asked(out, proposal, "codes", "set");
        }
        return;
    };
    let own = choice.value == Value::Text("own".to_owned());
    let name = if own { "usage" } else { "ENG-2024" };
    let _ = writeln!(out, "\n[codes]\nset = {}{}", text(name), reason(choice));
    if !own {
        return;
    }
    out.push_str("\n[codes.marks]\n");
    for choice in proposal.choices.iter().filter(|choice| choice.setting.starts_with("codes.")) {
        let mark = &choice.setting["codes.".len()..];
        let _ = writeln!(out, "{} = {}{}", text(mark), value(&choice.value), reason(choice));
    }
    for doubt in proposal.doubts.iter().filter(|doubt| doubt.setting.starts_with("codes.")) {
        comment(out, doubt, &text(&doubt.setting["codes.".len()..]));
    }
}

/// Times of periods.
fn section(out: &mut String, proposal: &Proposal, name: &str) {
    let prefix = format!("{name}.");
    let choices: Vec<_> =
        proposal.choices.iter().filter(|choice| choice.setting.starts_with(&prefix)).collect();
    let doubts: Vec<_> = proposal.doubts.iter().filter(|doubt| doubt.setting.starts_with(&prefix)).collect();
    if choices.is_empty() && doubts.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n[{name}]");
    for choice in choices {
        if let Value::Text(times) = &choice.value
            && let Some((start, end)) = times.split_once('-')
        {
            let period = &choice.setting[prefix.len()..];
            let _ = writeln!(out, "{} = [{}, {}]", text(period), text(start.trim()), text(end.trim()));
        }
    }
    for doubt in doubts {
        let _ = writeln!(out, "# ? {}", line(&doubt.question));
        let _ = writeln!(out, "# ? {} = [\"09:00\", \"10:00\"]", text(&doubt.setting[prefix.len()..]));
    }
}

fn fields(out: &mut String, proposal: &Proposal) {
    out.push_str("\n[fields]\n");
    for choice in proposal.choices.iter().filter(|choice| is_field(&choice.setting)) {
        let name = &choice.setting["fields.".len()..];
        match (&choice.value, name) {
            (Value::Text(scale), "scale") => {
                let (id, version) = scale.split_once('@').unwrap_or((scale, "1"));
                let _ = writeln!(out, "scale = {{ const = {} }}{}", text(id), reason(choice));
                let _ = writeln!(out, "scale_version = {{ const = {} }}", text(version));
            }
            (Value::Text(constant), _) => {
                _ = writeln!(out, "{name} = {{ const = {} }}{}", text(constant), reason(choice));
            }
            // A sort that comes up later is "other" too, as all are that nobody has mapped.
            (Value::Values(..), "category") => {
                let of = value(&choice.value);
                let open = of.strip_suffix(" }").unwrap_or(&of);
                _ = writeln!(out, "category = {open}, other = \"other\" }}{}", reason(choice));
            }
            (of, _) => _ = writeln!(out, "{name} = {}{}", value(of), reason(choice)),
        }
    }
    for doubt in proposal.doubts.iter().filter(|doubt| doubt.setting.starts_with("fields.")) {
        let name = &doubt.setting["fields.".len()..];
        match name.split_once('.') {
            // What one value of a column stands for belongs into the field's `values`.
            Some((field, word)) => comment(out, doubt, &format!("{field}.values.{}", text(word))),
            None => comment(out, doubt, name),
        }
    }
}

fn is_field(setting: &str) -> bool {
    setting.strip_prefix("fields.").is_some_and(|name| !name.contains('.'))
}

fn results(out: &mut String, proposal: &Proposal) {
    let date = match proposal.choice("result.date").map(|choice| &choice.value) {
        Some(Value::Text(date)) => Some(date),
        _ => None,
    };
    for choice in &proposal.choices {
        let (Some(column), Value::Grades(scale, version, kind)) =
            (choice.setting.strip_prefix("result."), &choice.value)
        else {
            continue;
        };
        let _ = writeln!(out, "\n[[result]]{}", reason(choice));
        let _ = writeln!(out, "column = {}", text(column));
        let _ = writeln!(
            out,
            "scale = {}\nscale_version = {}\nkind = {}",
            text(scale),
            text(version),
            text(kind)
        );
        if let Some(date) = date {
            let _ = writeln!(out, "date = {}", text(date));
        }
    }
    for doubt in proposal.doubts.iter().filter(|doubt| doubt.setting.starts_with("result.")) {
        out.push('\n');
        let name = &doubt.setting["result.".len()..];
        // What is asked of one column names it in the question.
        comment(out, doubt, name.split('.').next().unwrap_or(name));
    }
}

fn reason(choice: &Choice) -> String {
    let why = line(&choice.reasons.join("; "));
    match choice.confidence {
        100 => format!("   # {why}"),
        sure => format!("   # {sure} %: {why}"),
    }
}

/// A text that stays on one line of a comment.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}

fn value(value: &Value) -> String {
    match value {
        Value::Column(caption) => text(caption),
        Value::Days(caption, from) => {
            format!("{{ column = {}, days_from = {} }}", text(caption), text(from))
        }
        Value::Text(of) => text(of),
        Value::Values(caption, values) => {
            let values: Vec<String> =
                values.iter().map(|(from, to)| format!("{} = {}", text(from), text(to))).collect();
            format!("{{ column = {}, values = {{ {} }} }}", text(caption), values.join(", "))
        }
        Value::Grades(scale, version, kind) => text(&format!("{scale} {version} {kind}")),
        Value::Nothing => text(""),
    }
}

/// A TOML string or key, whatever is in it.
fn text(of: &str) -> String {
    toml::Value::String(of.to_owned()).to_string()
}
