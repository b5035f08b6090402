//! The documentation keeps its promises that can be checked by looking: links lead somewhere, and no
//! row of `docs/coverage.md` is blank. The guide's programs are doctests of this crate.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it has a parent").to_owned()
}

/// All pages below a folder.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
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
fn every_row_of_the_coverage_says_where_and_what_proves_it() {
    let text = fs::read_to_string(root().join("docs/coverage.md")).expect("it is there");
    let mut rows = 0;
    for row in text.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---")) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [item, place, test] = cells[..] else { panic!("not three cells: {row}") };
        assert!(!item.is_empty() && !place.is_empty() && !test.is_empty(), "blank: {row}");
        assert!(test == "test" || test == "(none)" || test.contains("]("), "no test: {row}");
        rows += 1;
    }
    assert!(rows > 300, "only {rows} rows were found");
}
