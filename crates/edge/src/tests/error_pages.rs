//! What the `type` of a problem document leads to.
use super::support::{World, problem};
use crate::{Code, error_codes, error_page};

#[tokio::test]
async fn the_type_of_every_problem_leads_to_its_page_without_a_key() {
    let world = World::new().await;
    let (_, code, document) = problem(world.request("GET", "/v1/chatbots/nobody")).await;
    let kind = document["type"].as_str().unwrap();
    assert_eq!(kind, format!("/errors/{code}"));
    let own = Code::ALL.iter().map(|code| code.parts().1);
    for code in own.chain(error_codes()) {
        let url = format!("{}/errors/{code}", world.url);
        let response = world.client.get(url).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{code}");
        assert_eq!(
            response.headers()["content-type"],
            "text/markdown; charset=utf-8"
        );
        let page = response.text().await.unwrap();
        assert!(page.starts_with(&format!("# `{code}`")), "{page}");
    }
    for none in ["no.such_code", "README", "..%2FPROTOCOL"] {
        let (status, ..) = problem(world.request("GET", &format!("/errors/{none}"))).await;
        assert_eq!(status, 404, "{none}");
    }
}
#[test]
fn every_page_of_the_repository_is_in_the_binary() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
    let mut pages = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let code = path.file_stem().unwrap().to_str().unwrap();
        if code != "README" {
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(error_page(code), Some(text.as_str()), "{code}");
            pages += 1;
        }
    }
    assert_eq!(pages, error_codes().len());
}
