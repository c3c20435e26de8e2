//! The double, asked by the real client.
mod faults;
mod filters;
mod points;
mod restart;
mod searching;
mod strictness;
mod writes;

use super::{Options, QdrantDouble};
use qdrant_client::qdrant::{
    CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, Distance, FieldType, Modifier,
    NamedVectors, PointId, PointStruct, RetrievedPoint, SparseVectorParamsBuilder,
    SparseVectorsConfigBuilder, UpsertPointsBuilder, VectorParamsBuilder, VectorsConfigBuilder,
};
use qdrant_client::{Payload, Qdrant, QdrantError};
use std::time::Duration;
use tonic::Code;

/// The collection of these tests: a dense vector of two numbers and a sparse one with IDF.
const NAME: &str = "passages";

fn start(options: Options) -> (QdrantDouble, Qdrant) {
    let double = QdrantDouble::start(options).expect("it starts");
    let client = client(&double);
    (double, client)
}

fn client(double: &QdrantDouble) -> Qdrant {
    let config = Qdrant::from_url(&double.url()).skip_compatibility_check();
    config
        .timeout(Duration::from_secs(10))
        .build()
        .expect("a client")
}

fn shape() -> CreateCollectionBuilder {
    let mut dense = VectorsConfigBuilder::default();
    dense.add_named_vector_params("dense", VectorParamsBuilder::new(2, Distance::Cosine));
    let mut sparse = SparseVectorsConfigBuilder::default();
    sparse.add_named_vector_params(
        "words",
        SparseVectorParamsBuilder::default().modifier(Modifier::Idf),
    );
    CreateCollectionBuilder::new(NAME)
        .vectors_config(dense)
        .sparse_vectors_config(sparse)
}

async fn world() -> (QdrantDouble, Qdrant) {
    let (double, client) = start(Options::default());
    client.create_collection(shape()).await.expect("creates");
    (double, client)
}

fn point(
    id: u64,
    payload: serde_json::Value,
    dense: [f32; 2],
    words: &[(u32, f32)],
) -> PointStruct {
    let vectors = NamedVectors::default()
        .add_vector("dense", dense.to_vec())
        .add_vector("words", words.to_vec());
    PointStruct::new(id, vectors, Payload::try_from(payload).expect("an object"))
}

async fn put(client: &Qdrant, points: Vec<PointStruct>) {
    client
        .upsert_points(UpsertPointsBuilder::new(NAME, points).wait(true))
        .await
        .expect("upserts");
}

async fn index(client: &Qdrant, field: &str, kind: FieldType) {
    let index = CreateFieldIndexCollectionBuilder::new(NAME, field, kind).wait(true);
    client.create_field_index(index).await.expect("indexes");
}

fn number(id: Option<&PointId>) -> u64 {
    use qdrant_client::qdrant::point_id::PointIdOptions;
    match id.and_then(|id| id.point_id_options.as_ref()) {
        Some(PointIdOptions::Num(number)) => *number,
        other => panic!("a number: {other:?}"),
    }
}

fn ids(points: &[RetrievedPoint]) -> Vec<u64> {
    points
        .iter()
        .map(|point| number(point.id.as_ref()))
        .collect()
}

fn refused<T: std::fmt::Debug>(answer: Result<T, QdrantError>) -> (Code, String) {
    match answer {
        Err(QdrantError::ResponseError { status }) => (status.code(), status.message().to_owned()),
        other => panic!("refused by the server: {other:?}"),
    }
}
