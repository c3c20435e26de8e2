//! The pages of docs/errors, inside the binary: what a problem document's `type` leads to.
use crate::problem::Problem;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};

/// As they stand in the repository.
static PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../docs/errors");

/// The page about a code, in Markdown; none if there is no such code.
pub fn error_page(code: &str) -> Option<&'static str> {
    if code == "README" {
        return None; // about the pages
    }
    PAGES.get_file(format!("{code}.md"))?.contents_utf8()
}

/// The codes that have a page, in order.
pub fn error_codes() -> Vec<&'static str> {
    let names = PAGES.files().filter_map(|file| file.path().to_str());
    let codes = names.filter_map(|name| name.strip_suffix(".md"));
    let mut codes: Vec<&str> = codes.filter(|code| *code != "README").collect();
    codes.sort_unstable();
    codes
}

/// `/errors/{code}`.
pub async fn get(Path(code): Path<String>) -> Result<Response, Problem> {
    let page = error_page(&code).ok_or_else(|| Problem::nothing("code"))?;
    let headers = [
        (header::CONTENT_TYPE, "text/markdown; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=3600"),
    ];
    Ok((headers, page).into_response())
}
