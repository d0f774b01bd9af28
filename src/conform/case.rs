//! A case: what it is about, what it stands on, and its steps, as `conformance/<specification>/<section>/<case>.toml` says it.

use serde::Deserialize;

use super::step::Step;

/// How strongly a specification asks for something (RFC 2119, as FHIR uses it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Strength {
    /// Must.
    #[serde(rename = "SHALL")]
    Shall,
    /// Should.
    #[serde(rename = "SHOULD")]
    Should,
    /// May: what is declared and done must be done right.
    #[serde(rename = "MAY")]
    May,
}

/// One text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// English.
    pub en: String,
    /// Japanese.
    pub ja: String,
}

/// Whom a case acts as, by the name under which the client file has its credentials.
pub type Caller = String;

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `specification/section/name`, its path.
    #[serde(skip)]
    pub id: String,
    /// What holds, in a line.
    pub title: String,
    /// What the clause says, in a line and in our words.
    pub clause: String,
    /// A line of the clause as the specification has it, where it was compared with a stored copy of the specification.
    #[serde(default)]
    pub quote: Option<String>,
    /// Where it stands.
    pub url: String,
    /// How strongly it is asked for.
    pub strength: Strength,
    /// What the target must declare for the case to be about it; see [`super::Declared`].
    #[serde(default)]
    pub needs: Vec<String>,
    /// Names of step lists in `conformance/setup`, done before.
    #[serde(default)]
    pub setup: Vec<String>,
    /// Whether anything is written, where it cannot be told from the steps.
    #[serde(default)]
    pub writes: Option<bool>,
    /// Whether nothing else may run meanwhile.
    #[serde(default)]
    pub alone: bool,
    /// Why the case exists.
    #[serde(default)]
    pub why: Words,
    /// How failures are usually mended.
    #[serde(default)]
    pub mend: Words,
    /// What is done before, of this case alone; a failure there means that the case could not be tested.
    #[serde(default)]
    pub before: Vec<Step>,
    /// What is done and expected.
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
    /// What is done after, whatever came of it; beside it, all that was created is deleted.
    #[serde(default)]
    pub after: Vec<Step>,
    /// Why the case cannot be run here, of one that was imported.
    #[serde(skip)]
    pub unsupported: Vec<String>,
    /// Values that are known before it begins, of one that was imported.
    #[serde(skip)]
    pub given: Vec<(String, String)>,
}

/// A list of steps that many cases begin with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Setup {
    /// The steps.
    #[serde(rename = "step")]
    pub(super) steps: Vec<Step>,
}

impl Strength {
    /// All, the strongest first.
    pub const ALL: [Strength; 3] = [Strength::Shall, Strength::Should, Strength::May];

    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Strength::Shall => "SHALL",
            Strength::Should => "SHOULD",
            Strength::May => "MAY",
        }
    }
}

impl Case {
    /// Reads a case. The error says what is wrong and where in the file.
    pub fn parse(id: &str, text: &str) -> Result<Case, String> {
        let mut case: Case = toml::from_str(text).map_err(|error| format!("{id}: {error}"))?;
        case.id = id.to_owned();
        if case.steps.is_empty() {
            return Err(format!("{id}: there is no [[step]]"));
        }
        for step in case.before.iter().chain(&case.steps).chain(&case.after) {
            step.check().map_err(|wrong| format!("{id}: {wrong}"))?;
        }
        Ok(case)
    }

    /// Whether running it may leave something behind at the target.
    pub fn writes(&self) -> bool {
        self.writes.unwrap_or_else(|| self.before.iter().chain(&self.steps).any(Step::writes))
    }

    /// Whom it acts as, but for the caller that needs no credentials.
    pub fn callers(&self) -> Vec<&str> {
        let steps = self.before.iter().chain(&self.steps);
        let mut callers: Vec<&str> = steps.flat_map(|step| step.callers()).filter(|name| *name != "none").collect();
        callers.sort_unstable();
        callers.dedup();
        callers
    }
}
