//! Asking: with a list to choose from on a terminal, with numbers on a plain one, and from a pipe a line an answer.

use super::{screen::Screen, text};
use commonroll_connectors::propose::{Answers, Candidate, Doubt, Proposal, Sample, Value, unfit};
use std::io::{BufRead, IsTerminal, Write};

/// Whoever answers.
pub struct Asker {
    silent: bool,
    fancy: bool,
}

impl Asker {
    /// Somebody at the terminal, or a pipe; nobody if `silent`.
    pub fn new(silent: bool) -> Self {
        let plain =
            std::env::var("TERM").is_ok_and(|term| term == "dumb") || std::env::var_os("NO_COLOR").is_some();
        let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        Self { silent, fancy: terminal && !plain }
    }

    /// True if nobody is asked anything.
    pub const fn is_silent(&self) -> bool {
        self.silent
    }

    /// Asks until nothing is left to ask, or nobody answers.
    pub fn settle(
        &mut self,
        screen: &Screen,
        mut proposal: Proposal,
        answers: &mut Answers,
        sample: &Sample,
        make: &dyn Fn(&Answers) -> Proposal,
    ) -> Proposal {
        if self.silent {
            return proposal;
        }
        screen.questions(proposal.doubts.len());
        while let Some(doubt) = proposal.doubts.iter().find(|doubt| !answers.contains_key(&doubt.setting)) {
            let Some(answer) = self.ask(screen, doubt, sample) else { return proposal };
            answers.insert(doubt.setting.clone(), answer);
            proposal = make(answers);
        }
        proposal
    }

    /// One question. `None` if nobody is there any more.
    fn ask(&mut self, screen: &Screen, doubt: &Doubt, sample: &Sample) -> Option<Value> {
        if doubt.candidates.is_empty() {
            let open = if doubt.must { "" } else { "; leave it blank to go on without" };
            screen.question(&format!("{} ({}{open})", doubt.question, doubt.free));
            return loop {
                let line = self.line("> ")?;
                match line.trim() {
                    "" if !doubt.must => break Some(Value::Nothing),
                    "" => screen.say("an answer is needed to read the file; Ctrl-C to stop"),
                    said => {
                        let said = value(said, sample);
                        match unfit(&doubt.setting, &said) {
                            None => break Some(said),
                            Some(form) => screen.say(&form),
                        }
                    }
                }
            };
        }
        screen.question(&doubt.question);
        let mut items: Vec<String> = doubt.candidates.iter().map(said).collect();
        let other = !doubt.free.is_empty() || doubt.setting.starts_with("fields.");
        if other {
            items.push("something else".to_owned());
        }
        if !doubt.must {
            items.push("none of these; leave it out".to_owned());
        }
        let chosen = if self.fancy { choose(&items)? } else { self.number(screen, &items)? };
        match doubt.candidates.get(chosen) {
            Some(candidate) => Some(candidate.value.clone()),
            None if other && chosen == doubt.candidates.len() => {
                let hint = if doubt.free.is_empty() { "the caption of a column" } else { doubt.free };
                loop {
                    let said = value(self.line(&format!("{hint} > "))?.trim(), sample);
                    match unfit(&doubt.setting, &said) {
                        None => break Some(said),
                        Some(form) => screen.say(&form),
                    }
                }
            }
            None => Some(Value::Nothing),
        }
    }

    /// The number of a line of a list, from 0.
    fn number(&mut self, screen: &Screen, items: &[String]) -> Option<usize> {
        for (place, item) in items.iter().enumerate() {
            screen.say(&format!("  {:>2}  {item}", place + 1));
        }
        loop {
            let line = self.line(&format!("1-{} > ", items.len()))?;
            match line.trim().parse::<usize>() {
                Ok(number) if (1..=items.len()).contains(&number) => return Some(number - 1),
                _ => screen.say(&format!("a number from 1 to {}", items.len())),
            }
        }
    }

    /// Yes or no; `false` if nobody answers.
    pub fn confirm(&mut self, question: &str, if_silent: bool) -> bool {
        if self.silent {
            return if_silent;
        }
        if self.fancy {
            let asked = dialoguer::Confirm::new().with_prompt(question).default(false);
            return asked.interact_opt().ok().flatten().unwrap_or(false);
        }
        self.line(&format!("{question} [y/N] ")).is_some_and(|line| matches!(line.trim(), "y" | "Y" | "yes"))
    }

    /// One of several. `None` if nobody answers.
    pub fn pick(&mut self, screen: &Screen, question: &str, items: &[String]) -> Option<usize> {
        if self.silent {
            return None;
        }
        screen.question(question);
        if self.fancy { choose(items) } else { self.number(screen, items) }
    }

    /// A line of text. `None` if nobody answers.
    pub fn text(&mut self, prompt: &str) -> Option<String> {
        if self.silent {
            return None;
        }
        self.line(prompt).map(|line| line.trim().to_owned())
    }

    fn line(&mut self, prompt: &str) -> Option<String> {
        eprint!("{prompt}");
        std::io::stderr().flush().ok()?;
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line).ok()?;
        (read > 0).then_some(line)
    }
}

fn choose(items: &[String]) -> Option<usize> {
    dialoguer::Select::new().items(items).default(0).interact_opt().ok().flatten()
}

fn said(candidate: &Candidate) -> String {
    match candidate.confidence {
        0 => candidate.words.clone(),
        sure => format!("{}  ({sure} %)", candidate.words),
    }
}

/// What somebody typed: a column if there is one with this caption, else a text; nothing if it is blank.
pub fn value(said: &str, sample: &Sample) -> Value {
    if said.is_empty() {
        Value::Nothing
    } else if sample.captions.iter().any(|caption| caption == said) {
        Value::Column(said.to_owned())
    } else {
        text(said)
    }
}

/// An answer given with a flag.
pub fn in_advance(said: &str) -> Result<(String, String), String> {
    match said.split_once('=') {
        Some((setting, value)) if !setting.is_empty() => Ok((setting.to_owned(), value.to_owned())),
        _ => Err("must be a setting and its value, such as codes.O=absent".to_owned()),
    }
}
