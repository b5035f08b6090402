//! The documentation keeps its promises that can be checked by looking: links lead somewhere, the rows
//! of `docs/coverage.md` are whole and count up, unsafe code is where `docs/reliability.md` says, and the
//! guide's table of contents has every page. The guide's programs are doctests of this crate.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it has a parent").to_owned()
}

/// All pages below a folder.
fn pages(folder: &Path) -> Vec<PathBuf> {
    files(folder, "md")
}

/// All files of a kind below a folder.
fn files(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            found.extend(files(&path, kind));
        } else if path.extension().is_some_and(|extension| extension == kind) {
            found.push(path);
        }
    }
    found
}

/// The targets of a page's links, without those to the web.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.starts_with("http"))
}

#[test]
fn links_of_the_documentation_lead_somewhere() {
    let root = root();
    let mut pages = pages(&root.join("docs"));
    pages.push(root.join("README.md"));
    let mut seen = 0;
    for page in pages {
        let text = fs::read_to_string(&page).expect("it can be read");
        for link in links(&text) {
            let file = link.split('#').next().expect("there is a first part");
            let target = page.parent().expect("it is in a folder").join(file);
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            seen += 1;
        }
    }
    assert!(seen > 300, "only {seen} links were found");
}

#[test]
fn the_book_has_every_page_and_its_programs_are_run() {
    let docs = root().join("docs");
    let summary = docs.join("SUMMARY.md");
    let contents = fs::read_to_string(&summary).expect("it is there");
    let listed: Vec<_> = links(&contents).map(|link| docs.join(link)).collect();
    let doctests = fs::read_to_string(root().join("tests/src/guide.rs")).expect("it is there");
    for page in pages(&docs).into_iter().filter(|page| *page != summary) {
        assert!(listed.contains(&page), "{} is not in the table of contents", page.display());
        let text = fs::read_to_string(&page).expect("it can be read");
        let path = page.strip_prefix(root()).expect("it is below").display().to_string();
        let is_run = doctests.contains(&format!("/{path}\""));
        assert!(is_run || !text.contains("```rust"), "the programs of {path} are not run");
    }
}

/// The rows of the tables in a part of `docs/coverage.md`: item, place, test. No cell is blank.
fn rows(part: &str) -> Vec<[&str; 3]> {
    let mut rows = Vec::new();
    let mut lines = part.lines().filter(|line| line.starts_with('|')).peekable();
    while let Some(line) = lines.next() {
        if lines.next_if(|next| next.starts_with("|---")).is_some() {
            continue; // This was the head of a table.
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let ["", item, place, test, ""] = cells[..] else { panic!("not three cells: {line}") };
        assert!(!item.is_empty() && !place.is_empty() && !test.is_empty(), "blank: {line}");
        rows.push([item, place, test]);
    }
    rows
}

/// Whether a row says that the item is not there.
fn is_left_out([_, place, _]: &[&str; 3]) -> bool {
    place.starts_with("left out")
}

/// The files that a cell links to, each with the functions that are named behind it.
fn tests(cell: &str) -> impl Iterator<Item = (&str, Vec<&str>)> {
    cell.split("](").skip(1).map(|rest| {
        let (file, behind) = rest.split_once(')').expect("a link ends");
        (file, behind.split('`').skip(1).step_by(2).collect())
    })
}

#[test]
fn every_row_of_the_coverage_says_where_and_what_proves_it() {
    let docs = root().join("docs");
    let text = fs::read_to_string(docs.join("coverage.md")).expect("it is there");
    let (mut all, mut named) = (0, 0);
    for row in rows(&text) {
        let [item, place, cell] = row;
        if is_left_out(&row) {
            assert!(place.len() > "left out: ".len(), "{item}: why?");
        } else {
            assert_ne!(cell, "(none)", "{item} is said to be there, and has no test");
        }
        assert_eq!(tests(cell).next().is_none(), cell == "(none)", "{item}: {cell}");
        for (file, functions) in tests(cell) {
            // What is proved by an example in the documentation, or by a page of the guide, says so.
            let is_page = file.ends_with(".md") || cell.contains(&format!("[doc]({file})"));
            assert!(is_page || !functions.is_empty(), "{item}: which function of {file}?");
            let source = fs::read_to_string(docs.join(file)).unwrap_or_default();
            for function in functions {
                let is_there = source.contains(&format!("fn {function}("));
                assert!(is_there, "{item}: {file} has no function `{function}`");
                named += 1;
            }
        }
        all += 1;
    }
    assert!(all > 300 && named > 100, "only {all} rows and {named} functions were found");
}

#[test]
fn the_numbers_of_the_coverage_are_those_of_its_rows() {
    let text = fs::read_to_string(root().join("docs/coverage.md")).expect("it is there");
    let (asyncio, tokio) = text.split_once("\n## tokio\n").expect("two parts");
    let (tokio, _) =
        tokio.split_once("\n### On other systems\n").expect("its own part comes first");
    let said: Vec<_> = text.split_whitespace().collect();
    let assert_said = |sentence: String| assert!(said.join(" ").contains(&sentence), "{sentence}");

    let asyncio = rows(asyncio);
    let left_out = asyncio.iter().filter(|row| is_left_out(row)).count();
    assert_said(format!("{} rows, of which {left_out} are left out.", asyncio.len()));

    // A row of a method says why that is missing; its type is the item.
    let is_method = |[item, ..]: &[&str; 3]| {
        let parent = item.rsplit("::").nth(1);
        parent.is_some_and(|parent| parent.starts_with(char::is_uppercase))
    };
    let tokio: Vec<_> = rows(tokio).into_iter().filter(|row| !is_method(row)).collect();
    let left_out = tokio.iter().filter(|row| is_left_out(row)).count();
    let there: Vec<_> = tokio.iter().filter(|row| !is_left_out(row)).collect();
    for [item, place, _] in &there {
        let name = item.trim_matches('`').trim_start_matches("#[");
        let place = place.trim_start_matches("`#[").trim_start_matches('`');
        let is_same = place.strip_prefix("heist::").is_some_and(|rest| rest.starts_with(name));
        assert!(is_same, "{item} is said to have its name, and is {place}");
    }
    let lacking = there.iter().filter(|[_, place, _]| place.contains("without ")).count();
    assert_said(format!(
        "{} items. {} are in Heist under the same name, of which {lacking} lack",
        tokio.len(),
        there.len(),
    ));
    assert_said(format!("rows name; {left_out} are left out."));
}

/// How many blocks and implementations in a program are unsafe.
fn unsafe_code(source: &str) -> usize {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.map(|line| line.matches("unsafe {").count() + line.matches("unsafe impl").count()).sum()
}

#[test]
fn unsafe_code_is_where_the_documentation_says() {
    let text = fs::read_to_string(root().join("docs/reliability.md")).expect("it is there");
    let (_, part) = text.split_once("\n## Where unsafe code is\n").expect("it has its own part");
    let (part, _) = part.split_once("\n## ").expect("another part follows");
    let said: Vec<_> = rows(part);
    let mut found = vec![0; said.len()];
    for folder in ["executor/src", "executor/macros/src", "io-driver/src", "timer/src"] {
        for file in files(&root().join(folder), "rs") {
            let count = unsafe_code(&fs::read_to_string(&file).expect("it can be read"));
            if count == 0 || file.ends_with("tests.rs") {
                continue;
            }
            // A module is a folder, a file, or both.
            let path = file.strip_prefix(root()).expect("it is below").with_extension("");
            let row =
                said.iter().position(|[module, ..]| path.starts_with(module.trim_matches('`')));
            let row = row.unwrap_or_else(|| panic!("{} is in no row", file.display()));
            found[row] += count;
        }
    }
    for ([module, count, _], found) in said.iter().zip(found) {
        assert_eq!(*count, found.to_string(), "{module}");
    }
}
