//! The comparison: what each side says of one thing, and what comes of it.

use std::{collections::BTreeMap, fmt};

/// What comes of one thing that both sides tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Equal,
    /// They differ, and this is why.
    Explained(&'static str),
    Differs,
}

struct Row {
    tool: &'static str,
    fact: String,
    ours: String,
    theirs: String,
    outcome: Outcome,
}

/// All that was compared.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

/// What a side says that says nothing.
const NOTHING: &str = "-";

fn words(said: Option<impl ToString>) -> String {
    said.map_or_else(|| NOTHING.into(), |said| said.to_string().trim().to_owned())
}

impl Table {
    /// Both must say the same.
    pub fn same(&mut self, tool: &'static str, fact: &str, ours: Option<impl ToString>, theirs: Option<impl ToString>) {
        self.add(tool, fact, words(ours), words(theirs), None);
    }

    /// As [`Table::same`]; where they differ, `why` says why that is right.
    pub fn explained(
        &mut self,
        tool: &'static str,
        fact: &str,
        ours: Option<impl ToString>,
        theirs: Option<impl ToString>,
        why: &'static str,
    ) {
        self.add(tool, fact, words(ours), words(theirs), Some(why));
    }

    fn add(&mut self, tool: &'static str, fact: &str, ours: String, theirs: String, why: Option<&'static str>) {
        let outcome = match (ours == theirs, why) {
            (true, _) => Outcome::Equal,
            (false, Some(why)) => Outcome::Explained(why),
            (false, None) => Outcome::Differs,
        };
        self.rows.push(Row { tool, fact: fact.to_owned(), ours, theirs, outcome });
    }

    /// How many things a tool was compared in.
    pub fn compared(&self, tool: &str) -> usize {
        self.rows.iter().filter(|row| row.tool == tool).count()
    }

    /// What differs without a reason.
    pub fn differences(&self) -> Vec<String> {
        let differs = self.rows.iter().filter(|row| row.outcome == Outcome::Differs);
        differs
            .map(|row| format!("{}: agent says {:?}, {} says {:?}", row.fact, row.ours, row.tool, row.theirs))
            .collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tools: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        for row in &self.rows {
            let counts = tools.entry(row.tool).or_default();
            match row.outcome {
                Outcome::Equal => counts[0] += 1,
                Outcome::Explained(_) => counts[1] += 1,
                Outcome::Differs => counts[2] += 1,
            }
        }
        writeln!(f, "| tool | compared | equal | explained | different |\n| --- | ---: | ---: | ---: | ---: |")?;
        for (tool, [equal, explained, differs]) in tools {
            writeln!(f, "| {tool} | {} | {equal} | {explained} | {differs} |", equal + explained + differs)?;
        }
        writeln!(f, "\n| fact | agent | tool | why that is right |\n| --- | --- | --- | --- |")?;
        for row in &self.rows {
            if let Outcome::Explained(why) = row.outcome {
                writeln!(f, "| {} | {} | {}: {} | {why} |", row.fact, row.ours, row.tool, row.theirs)?;
            }
        }
        Ok(())
    }
}
