//! Puts bugs into a copy of the tree, one at a time, and sees whether a model or test catches each:
//! `cargo run -p heist-loom-tests --bin mutate [-- NAME...]`, with parts of names to run only some.
//!
//! The bugs are in `mutations/`, in blocks of `name`, `file`, `from`, `to` (repeated for several
//! lines) and `caught-by`, which is `loom FILE` or `unit PACKAGE`, each with a filter if wanted.
//! The broken twins are not run: they could fail for the wrong reason. Deliberately without any
//! generating of mutations: each is a mistake that somebody could make, and says so by its name.

use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// What runs longer than this has lost a wake in a way that only a clock sees, unless the machine has
/// other work: then it may just be slow, and is to be run again by itself.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// One bug.
#[derive(Debug, Default)]
struct Mutation {
    name: String,
    file: String,
    from: String,
    to: String,
    caught_by: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Caught,
    /// Caught by the clock.
    TimedOut,
    Survived,
    /// The text to replace is not there exactly once: the code has moved on.
    Stale,
    /// The compiler refuses it, so it shows nothing about the models.
    DoesNotBuild,
}

/// Reads blocks of `key: value` lines, separated by empty lines.
fn parse(text: &str) -> Vec<Mutation> {
    let blocks = text.split("\n\n").map(parse_block);
    blocks.filter(|mutation| !mutation.name.is_empty()).collect()
}

fn parse_block(block: &str) -> Mutation {
    let mut mutation = Mutation::default();
    for line in block.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (key, value) = line.split_once(':').unwrap_or_else(|| panic!("no key in {line:?}"));
        let value = value.strip_prefix(' ').unwrap_or(value);
        let field = match key {
            "name" => &mut mutation.name,
            "file" => &mut mutation.file,
            "from" => &mut mutation.from,
            "to" => &mut mutation.to,
            "caught-by" => &mut mutation.caught_by,
            other => panic!("unknown key {other:?}"),
        };
        if !field.is_empty() {
            field.push('\n');
        }
        field.push_str(value);
    }
    mutation
}

/// A copy of the workspace in the system's folder for such things. It stays there with what was
/// built, so that the next run need not build everything again. Inside the workspace it would not
/// do: cargo would put the settings of both together.
struct Copy(PathBuf);

impl Copy {
    fn new(workspace: &Path) -> io::Result<Copy> {
        let mut hasher = DefaultHasher::new();
        workspace.hash(&mut hasher);
        let folder = std::env::temp_dir().join(format!("heist-mutate-{:x}", hasher.finish()));
        copy_tree(workspace, &folder)?;
        Ok(Copy(folder))
    }

    /// Applies a mutation, runs what must catch it, and takes it back.
    fn try_out(&self, mutation: &Mutation) -> io::Result<Outcome> {
        let path = self.0.join(&mutation.file);
        let before = fs::read_to_string(&path)?;
        if before.matches(&mutation.from).count() != 1 {
            return Ok(Outcome::Stale);
        }
        fs::write(&path, before.replace(&mutation.from, &mutation.to))?;
        let outcome = self.run(&mutation.caught_by);
        fs::write(&path, before)?;
        outcome
    }

    fn run(&self, caught_by: &str) -> io::Result<Outcome> {
        let mut words = caught_by.split_whitespace();
        let (kind, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let build = match kind {
            "loom" => vec!["loom", "--no-run", "--test", target],
            "unit" => vec!["test", "--no-run", "-p", target, "--lib"],
            other => panic!("`caught-by` begins with {other:?}"),
        };
        let built = Command::new("cargo")
            .args(build)
            .current_dir(&self.0)
            .env_remove("CARGO_TARGET_DIR")
            .output()?;
        let text = String::from_utf8_lossy(&built.stderr);
        let mut executable =
            text.lines().filter(|line| line.trim_start().starts_with("Executable"));
        let executable = executable.next_back().and_then(|line| line.split(['(', ')']).nth(1));
        let (true, Some(executable)) = (built.status.success(), executable) else {
            eprintln!("{text}");
            return Ok(Outcome::DoesNotBuild);
        };
        let mut test = Command::new(self.0.join(executable));
        test.args(words).args(["--skip", "broken_"]).current_dir(&self.0);
        test.stdout(Stdio::null()).stderr(Stdio::null());
        let mut test = test.spawn()?;
        let start = Instant::now();
        loop {
            if let Some(status) = test.try_wait()? {
                return Ok(if status.success() { Outcome::Survived } else { Outcome::Caught });
            }
            if start.elapsed() > TIME_LIMIT {
                test.kill()?;
                test.wait()?;
                return Ok(Outcome::TimedOut);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Makes `to` like `from`, except for what is built or versions' history. Files that are alike keep
/// their times.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let is_source = |name: &OsStr| name != "target" && name != ".git";
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if is_source(&entry.file_name()) && !from.join(entry.file_name()).exists() {
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if !is_source(&entry.file_name()) {
            continue;
        }
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &to)?;
        } else if fs::read(&to).ok() != Some(fs::read(entry.path())?) {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// All that are in `mutations/`.
fn all() -> Vec<Mutation> {
    let mut files: Vec<PathBuf> = fs::read_dir(package().join("mutations"))
        .expect("the mutations lie beside the models")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.sort();
    let text = |file| fs::read_to_string(file).expect("a readable file");
    files.iter().flat_map(|file| parse(&text(file))).collect()
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn workspace() -> &'static Path {
    package().parent().expect("the package lies in a workspace")
}

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut mutations = all();
    mutations.retain(|m| wanted.is_empty() || wanted.iter().any(|part| m.name.contains(part)));
    let copy = Copy::new(workspace()).expect("cannot copy the tree");
    let (mut bad, mut timed_out) = (0, 0);
    for (index, mutation) in mutations.iter().enumerate() {
        let start = Instant::now();
        let outcome = copy.try_out(mutation).expect("cannot run cargo");
        timed_out += usize::from(outcome == Outcome::TimedOut);
        bad += usize::from(!matches!(outcome, Outcome::Caught | Outcome::TimedOut));
        println!(
            "{:3}/{} {:12} {:5.1} s  {} ({})",
            index + 1,
            mutations.len(),
            format!("{outcome:?}"),
            start.elapsed().as_secs_f32(),
            mutation.name,
            mutation.caught_by,
        );
    }
    println!("the copy stays in {}", copy.0.display());
    let caught = mutations.len() - bad;
    println!("{caught} of {} caught, {timed_out} of them by the clock", mutations.len());
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A mutation whose text the code no longer has shows nothing, and would be found out by nobody before
/// the whole list runs again.
#[test]
fn each_mutation_applies_and_names_what_must_catch_it() {
    let mut names = Vec::new();
    for Mutation { name, file, from, to, caught_by } in all() {
        let code = fs::read_to_string(workspace().join(&file)).expect("the file is there");
        assert_eq!(code.matches(&from).count(), 1, "{name}: the text is not there exactly once");
        assert_ne!(from, to, "{name}");
        let by = caught_by.split_whitespace().collect::<Vec<_>>();
        let exists = match by[..] {
            ["loom", target, ..] => package().join(format!("tests/{target}.rs")).exists(),
            ["unit", "heist" | "heist-io" | "heist-timer", ..] => true,
            _ => false,
        };
        assert!(exists, "{name}: nothing is called {caught_by:?}");
        assert!(!names.contains(&name), "{name}: there are two of that name");
        names.push(name);
    }
}
