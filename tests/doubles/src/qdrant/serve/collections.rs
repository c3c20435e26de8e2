//! The service of collections.
use super::{Answer, Does, Served};
use crate::qdrant::collection::Collection;
use crate::qdrant::index;
use crate::qdrant::payload::value;
use crate::qdrant::refusal::not_played;
use qdrant_client::qdrant::collections_server::Collections;
use qdrant_client::qdrant::{
    ChangeAliases, CollectionClusterInfoRequest, CollectionClusterInfoResponse, CollectionConfig,
    CollectionDescription, CollectionExists, CollectionExistsRequest, CollectionExistsResponse,
    CollectionInfo, CollectionOperationResponse, CollectionParams, CollectionStatus,
    CreateCollection, CreateShardKeyRequest, CreateShardKeyResponse, DeleteCollection,
    DeleteShardKeyRequest, DeleteShardKeyResponse, GetCollectionInfoRequest,
    GetCollectionInfoResponse, ListAliasesRequest, ListAliasesResponse,
    ListCollectionAliasesRequest, ListCollectionsRequest, ListCollectionsResponse,
    ListShardKeysRequest, ListShardKeysResponse, OptimizerStatus, UpdateCollection,
    UpdateCollectionClusterSetupRequest, UpdateCollectionClusterSetupResponse,
};
use tonic::Request;

fn done(result: bool) -> CollectionOperationResponse {
    CollectionOperationResponse { result, time: 0.0 }
}

#[allow(
    deprecated,
    reason = "the struct has deprecated fields, and no way around them"
)]
fn info(collection: &Collection) -> CollectionInfo {
    let created = collection.created.clone();
    let indexes = collection.indexes.iter().map(|(field, is)| {
        let has = |point: &&crate::qdrant::point::Point| value(&point.payload, field).is_some();
        let points = collection.points.values().filter(has).count() as u64;
        (field.clone(), index::info(is, points))
    });
    let vectors = collection
        .points
        .values()
        .map(|point| (point.dense.len() + point.sparse.len()) as u64);
    CollectionInfo {
        status: CollectionStatus::Green as i32,
        optimizer_status: Some(OptimizerStatus {
            ok: true,
            error: String::new(),
        }),
        segments_count: 1,
        config: Some(CollectionConfig {
            params: Some(CollectionParams {
                shard_number: created.shard_number.unwrap_or(1),
                on_disk_payload: created.on_disk_payload.unwrap_or(true),
                vectors_config: created.vectors_config,
                replication_factor: Some(created.replication_factor.unwrap_or(1)),
                write_consistency_factor: Some(created.write_consistency_factor.unwrap_or(1)),
                sparse_vectors_config: created.sparse_vectors_config,
                ..CollectionParams::default()
            }),
            hnsw_config: created.hnsw_config,
            optimizer_config: created.optimizers_config,
            wal_config: created.wal_config,
            quantization_config: None,
            strict_mode_config: created.strict_mode_config,
            metadata: created.metadata,
        }),
        payload_schema: indexes.collect(),
        points_count: Some(collection.points.len() as u64),
        indexed_vectors_count: Some(vectors.sum()),
        ..CollectionInfo::default()
    }
}

#[tonic::async_trait]
impl Collections for Served {
    async fn get(
        &self,
        request: Request<GetCollectionInfoRequest>,
    ) -> Answer<GetCollectionInfoResponse> {
        let act = async |asked: GetCollectionInfoRequest, _| {
            let result = self
                .store
                .look(&asked.collection_name, |collection| Ok(info(collection)))?;
            Ok(GetCollectionInfoResponse {
                result: Some(result),
                time: 0.0,
            })
        };
        self.call("Collections.Get", Does::Read, request, act).await
    }

    async fn list(
        &self,
        request: Request<ListCollectionsRequest>,
    ) -> Answer<ListCollectionsResponse> {
        let act = async |_, _| {
            let names = self.store.names().into_iter();
            Ok(ListCollectionsResponse {
                collections: names.map(|name| CollectionDescription { name }).collect(),
                time: 0.0,
            })
        };
        self.call("Collections.List", Does::Read, request, act)
            .await
    }

    async fn create(
        &self,
        request: Request<CreateCollection>,
    ) -> Answer<CollectionOperationResponse> {
        let act = async |asked, _| self.store.create(asked).map(done);
        self.call("Collections.Create", Does::Write, request, act)
            .await
    }

    async fn update(
        &self,
        request: Request<UpdateCollection>,
    ) -> Answer<CollectionOperationResponse> {
        let act = async |asked, _| self.store.update(asked).map(done);
        self.call("Collections.Update", Does::Write, request, act)
            .await
    }

    async fn delete(
        &self,
        request: Request<DeleteCollection>,
    ) -> Answer<CollectionOperationResponse> {
        let act = async |asked, _| self.store.delete(asked).map(done);
        self.call("Collections.Delete", Does::Write, request, act)
            .await
    }

    async fn collection_exists(
        &self,
        request: Request<CollectionExistsRequest>,
    ) -> Answer<CollectionExistsResponse> {
        let act = async |asked: CollectionExistsRequest, _| {
            let exists = self.store.names().contains(&asked.collection_name);
            Ok(CollectionExistsResponse {
                result: Some(CollectionExists { exists }),
                time: 0.0,
            })
        };
        self.call("CollectionExists", Does::Read, request, act)
            .await
    }

    async fn update_aliases(
        &self,
        _: Request<ChangeAliases>,
    ) -> Answer<CollectionOperationResponse> {
        Err(not_played("aliases"))
    }

    async fn list_collection_aliases(
        &self,
        _: Request<ListCollectionAliasesRequest>,
    ) -> Answer<ListAliasesResponse> {
        Err(not_played("aliases"))
    }

    async fn list_aliases(&self, _: Request<ListAliasesRequest>) -> Answer<ListAliasesResponse> {
        Err(not_played("aliases"))
    }

    async fn collection_cluster_info(
        &self,
        _: Request<CollectionClusterInfoRequest>,
    ) -> Answer<CollectionClusterInfoResponse> {
        Err(not_played("a cluster"))
    }

    async fn update_collection_cluster_setup(
        &self,
        _: Request<UpdateCollectionClusterSetupRequest>,
    ) -> Answer<UpdateCollectionClusterSetupResponse> {
        Err(not_played("a cluster"))
    }

    async fn create_shard_key(
        &self,
        _: Request<CreateShardKeyRequest>,
    ) -> Answer<CreateShardKeyResponse> {
        Err(not_played("shard keys"))
    }

    async fn delete_shard_key(
        &self,
        _: Request<DeleteShardKeyRequest>,
    ) -> Answer<DeleteShardKeyResponse> {
        Err(not_played("shard keys"))
    }

    async fn list_shard_keys(
        &self,
        _: Request<ListShardKeysRequest>,
    ) -> Answer<ListShardKeysResponse> {
        Err(not_played("shard keys"))
    }
}
