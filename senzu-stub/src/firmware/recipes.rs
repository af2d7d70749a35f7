//! All recipes: those that are compiled in, and files of the operator's, which take the place of those with the same name.

use super::{glob::Weight, keys::KeyError, plan::Machine, recipe::Recipe};
use std::{
    cmp::Ordering,
    fs, io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// Compiled in.
const OURS: [(&str, &str); 6] = [
    ("recipes/dell-poweredge.toml", include_str!("../../recipes/dell-poweredge.toml")),
    ("recipes/gigabyte.toml", include_str!("../../recipes/gigabyte.toml")),
    ("recipes/hpe-proliant.toml", include_str!("../../recipes/hpe-proliant.toml")),
    ("recipes/lab.toml", include_str!("../../recipes/lab.toml")),
    ("recipes/nvidia-openbmc.toml", include_str!("../../recipes/nvidia-openbmc.toml")),
    ("recipes/supermicro-x12-x13.toml", include_str!("../../recipes/supermicro-x12-x13.toml")),
];

/// A file that is larger is no recipe.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why there are no recipes.
#[derive(Debug, Error)]
pub enum RecipesError {
    #[error("cannot read the recipes {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} has more than {MAX_FILE_BYTES} bytes: a recipe is a page of TOML")]
    TooLarge { path: PathBuf },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("{first} and {second} both have the name {name:?}: rename one")]
    SameName { name: String, first: String, second: String },
}

/// Why a machine has no recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRecipe {
    /// None fits.
    None,
    /// Two fit alike, by their files.
    Several(String, String),
}

/// All recipes.
#[derive(Clone, Debug)]
pub struct Recipes(Vec<Recipe>);

impl Recipes {
    /// Those of these files, by name and text.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, RecipesError> {
        let mut recipes: Vec<Recipe> = Vec::new();
        for (file, text) in files {
            let recipe = Recipe::parse(file, text)?;
            if let Some(other) = recipes.iter().find(|other| other.name == recipe.name) {
                let (first, second) = (other.file.clone(), recipe.file);
                return Err(RecipesError::SameName { name: recipe.name, first, second });
            }
            recipes.push(recipe);
        }
        Ok(Self(recipes))
    }

    /// Those that are compiled in.
    pub fn ours() -> Result<Self, RecipesError> {
        Self::parse(OURS)
    }

    /// Ours, and those of folders, of which a later one has the last word.
    pub fn load(folders: &[PathBuf]) -> Result<Self, RecipesError> {
        let mut recipes = Self::ours()?;
        for folder in folders {
            let files = read_folder(folder)?;
            let theirs = Self::parse(files.iter().map(|(file, text)| (file.as_str(), text.as_str())))?;
            for recipe in theirs.0 {
                recipes.0.retain(|ours| ours.name != recipe.name);
                recipes.0.push(recipe);
            }
        }
        Ok(recipes)
    }

    /// The one that says most of a machine.
    pub fn of(&self, machine: &Machine) -> Result<&Recipe, NoRecipe> {
        let mut best: Option<(&Recipe, (Weight, Weight))> = None;
        let mut rival = None;
        for recipe in &self.0 {
            let Some(fit) = recipe.fit(machine) else { continue };
            match best.map_or(Ordering::Greater, |(_, best)| fit.cmp(&best)) {
                Ordering::Greater => (best, rival) = (Some((recipe, fit)), None),
                Ordering::Equal => rival = Some(recipe),
                Ordering::Less => {}
            }
        }
        match (best, rival) {
            (None, _) => Err(NoRecipe::None),
            (Some((recipe, _)), None) => Ok(recipe),
            (Some((recipe, _)), Some(rival)) => Err(NoRecipe::Several(recipe.file.clone(), rival.file.clone())),
        }
    }

    /// Each of them.
    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = &Recipe> {
        self.0.iter()
    }
}

/// The `.toml` files of a folder, by name.
fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, RecipesError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| RecipesError::Read { path, source }
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail(folder))? {
        let path = entry.map_err(fail(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort_unstable();
    let read = |path: PathBuf| {
        if fs::metadata(&path).map_err(fail(&path))?.len() > MAX_FILE_BYTES {
            return Err(RecipesError::TooLarge { path });
        }
        let text = fs::read_to_string(&path).map_err(fail(&path))?;
        Ok((path.display().to_string(), text))
    };
    files.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests;
