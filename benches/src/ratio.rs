//! A ratio of two figures, and its goal.

use std::fmt;

use serde_json::{Value, json};

/// The header of a table of ratios.
pub const HEAD: &str = "| ratio | ours | peer | value | goal | met |\n|---|---|---|---|---|---|";

/// The ratio of our figure to a peer's.
#[derive(Clone, Debug)]
pub struct Ratio {
    /// The quantity that is compared.
    pub name: String,
    /// The name and value of the numerator.
    pub ours: (String, f64),
    /// The name and value of the denominator.
    pub peer: (String, f64),
    /// The unit of both.
    pub unit: String,
    /// The goal, if there is one.
    pub goal: Option<Goal>,
}

/// A bound for a ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The ratio must not be higher.
    AtMost(f64),
    /// The ratio must not be lower.
    AtLeast(f64),
}

impl Ratio {
    /// Returns the ratio.
    pub fn value(&self) -> f64 {
        self.ours.1 / self.peer.1
    }

    /// Returns whether the goal is met, or `None` without a goal.
    pub fn met(&self) -> Option<bool> {
        self.goal.map(|goal| match goal {
            Goal::AtMost(bound) => self.value() <= bound,
            Goal::AtLeast(bound) => self.value() >= bound,
        })
    }

    /// Returns a row of the table.
    pub fn row(&self) -> String {
        format!(
            "| {} | {} {:.1} {unit} | {} {:.1} {unit} | **{:.3}** | {} | {} |",
            self.name,
            self.ours.0,
            self.ours.1,
            self.peer.0,
            self.peer.1,
            self.value(),
            self.goal.map(|goal| goal.to_string()).unwrap_or_default(),
            self.met().map_or("", |met| if met { "yes" } else { "no" }),
            unit = self.unit,
        )
    }

    /// Returns the ratio with both raw figures as JSON.
    pub fn json(&self) -> Value {
        json!({
            "name": self.name,
            "ratio": self.value(),
            "ours": { "of": self.ours.0, "value": self.ours.1 },
            "peer": { "of": self.peer.0, "value": self.peer.1 },
            "unit": self.unit,
            "goal": self.goal.map(|goal| goal.to_string()),
            "met": self.met(),
        })
    }

    /// Reads a ratio that another binary has written with [`json`](Self::json).
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |value: &Value| Some(value.as_str()?.to_owned());
        let side = |side: &Value| Some((text(&side["of"])?, side["value"].as_f64()?));
        Some(Self {
            name: text(&value["name"])?,
            ours: side(&value["ours"])?,
            peer: side(&value["peer"])?,
            unit: text(&value["unit"])?,
            goal: value["goal"].as_str().and_then(Goal::parse),
        })
    }
}

impl Goal {
    fn parse(text: &str) -> Option<Self> {
        let (sign, bound) = text.split_once(' ')?;
        let bound = bound.parse().ok()?;
        match sign {
            "<=" => Some(Self::AtMost(bound)),
            ">=" => Some(Self::AtLeast(bound)),
            _ => None,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "<= {bound}"),
            Self::AtLeast(bound) => write!(f, ">= {bound}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Goal, Ratio};

    fn ratio(goal: Option<Goal>) -> Ratio {
        Ratio {
            name: "connect".to_owned(),
            ours: ("the bridge".to_owned(), 4.0),
            peer: ("sqlx".to_owned(), 80.0),
            unit: "ms".to_owned(),
            goal,
        }
    }

    #[test]
    fn a_ratio_comes_back_from_its_json_as_it_was() {
        for goal in [None, Some(Goal::AtMost(0.25)), Some(Goal::AtLeast(1.9))] {
            let written = ratio(goal);
            let read = Ratio::from_json(&written.json()).expect("whole");
            assert_eq!((read.goal, read.row()), (goal, written.row()));
        }
        assert!(Ratio::from_json(&serde_json::json!({ "name": "half" })).is_none());
    }

    #[test]
    fn a_goal_is_met_on_its_own_side() {
        assert_eq!(ratio(Some(Goal::AtMost(0.05))).met(), Some(true));
        assert_eq!(ratio(Some(Goal::AtLeast(0.06))).met(), Some(false));
        assert_eq!(ratio(None).met(), None);
    }
}
