//! The service of points.
use super::{Answer, Does, Served};
use crate::qdrant::id::Id;
use crate::qdrant::payload::selected;
use crate::qdrant::read;
use crate::qdrant::refusal::{not_played, without};
use crate::qdrant::search::{Found, query};
use crate::qdrant::strict;
use crate::qdrant::write::Write;
use qdrant_client::qdrant::points_server::Points;
use qdrant_client::qdrant::{
    BatchResult, ClearPayloadPoints, CountPoints, CountResponse, CountResult,
    CreateFieldIndexCollection, CreateVectorNameRequest, DeleteFieldIndexCollection,
    DeletePayloadPoints, DeletePointVectors, DeletePoints, DeleteVectorNameRequest,
    DiscoverBatchPoints, DiscoverBatchResponse, DiscoverPoints, DiscoverResponse, FacetCounts,
    FacetResponse, GetPoints, GetResponse, PointsOperationResponse, QueryBatchPoints,
    QueryBatchResponse, QueryGroupsResponse, QueryPointGroups, QueryPoints, QueryResponse,
    RecommendBatchPoints, RecommendBatchResponse, RecommendGroupsResponse, RecommendPointGroups,
    RecommendPoints, RecommendResponse, RetrievedPoint, ScoredPoint, ScrollPoints, ScrollResponse,
    SearchBatchPoints, SearchBatchResponse, SearchGroupsResponse, SearchMatrixOffsetsResponse,
    SearchMatrixPairsResponse, SearchMatrixPoints, SearchPointGroups, SearchPoints, SearchResponse,
    SetPayloadPoints, UpdateBatchPoints, UpdateBatchResponse, UpdatePointVectors, UpdateResult,
    UpsertPoints,
};
use std::collections::BTreeMap;
use std::time::Duration;
use tonic::{Request, Status};

fn operation(result: UpdateResult) -> PointsOperationResponse {
    PointsOperationResponse {
        result: Some(result),
        time: 0.0,
        usage: None,
    }
}

impl Served {
    async fn write(
        &self,
        write: Write,
        wait: Option<bool>,
        pause: Option<Duration>,
    ) -> Result<PointsOperationResponse, Status> {
        self.store
            .write(write, wait.unwrap_or(false), pause)
            .await
            .map(operation)
    }

    /// What was found is fetched afterwards: what has gone since is not in the answer, what changed is as it is now.
    fn fetch(
        &self,
        asked: &QueryPoints,
        name: &str,
        found: &[Found],
    ) -> Result<Vec<ScoredPoint>, Status> {
        self.store.look(name, |collection| {
            let there = found
                .iter()
                .filter_map(|found| Some((found, collection.points.get(&found.id)?)));
            let points = there.map(|(found, point)| {
                Ok(ScoredPoint {
                    id: Some(found.id.into()),
                    payload: selected(&point.payload, asked.with_payload.as_ref(), false)?,
                    score: found.score,
                    version: point.version,
                    vectors: point.output(asked.with_vectors.as_ref()),
                    ..ScoredPoint::default()
                })
            });
            points.collect()
        })
    }

    /// One point after the other, in no order that a client could use; answered in the order of the question.
    async fn retrieve(&self, asked: &GetPoints) -> Result<Vec<RetrievedPoint>, Status> {
        without("shard keys", &asked.shard_key_selector)?;
        let ids: Result<Vec<Id>, Status> = asked.ids.iter().map(|id| Id::of(Some(id))).collect();
        let mut places: Vec<(usize, Id)> = ids?.into_iter().enumerate().collect();
        places.sort_by_key(|(_, id)| id.jumble());
        let mut found = BTreeMap::new();
        for (place, id) in places {
            let name = &asked.collection_name;
            let point = self
                .store
                .look(name, |collection| read::get(asked, id, collection))?;
            found.extend(point.map(|point| (place, point)));
            tokio::task::yield_now().await;
        }
        // Also where nothing is asked for, the collection must be there.
        self.store.look(&asked.collection_name, |_| Ok(()))?;
        Ok(found.into_values().collect())
    }

    async fn ask(&self, asked: &QueryPoints, name: &str) -> Result<Vec<ScoredPoint>, Status> {
        let found = self
            .store
            .look(name, |collection| query(asked, collection))?;
        tokio::task::yield_now().await;
        self.fetch(asked, name, &found)
    }
}

#[tonic::async_trait]
impl Points for Served {
    async fn upsert(&self, request: Request<UpsertPoints>) -> Answer<PointsOperationResponse> {
        let act = async |asked: UpsertPoints, pause| {
            self.write(Write::Upsert(asked.clone()), asked.wait, pause)
                .await
        };
        self.call("Upsert", Does::Write, request, act).await
    }

    async fn delete(&self, request: Request<DeletePoints>) -> Answer<PointsOperationResponse> {
        let act = async |asked: DeletePoints, pause| {
            self.write(Write::Delete(asked.clone()), asked.wait, pause)
                .await
        };
        self.call("Delete", Does::Write, request, act).await
    }

    async fn set_payload(
        &self,
        request: Request<SetPayloadPoints>,
    ) -> Answer<PointsOperationResponse> {
        let act = async |asked: SetPayloadPoints, pause| {
            self.write(Write::SetPayload(asked.clone()), asked.wait, pause)
                .await
        };
        self.call("SetPayload", Does::Write, request, act).await
    }

    async fn overwrite_payload(
        &self,
        request: Request<SetPayloadPoints>,
    ) -> Answer<PointsOperationResponse> {
        let act = async |asked: SetPayloadPoints, pause| {
            self.write(Write::OverwritePayload(asked.clone()), asked.wait, pause)
                .await
        };
        self.call("OverwritePayload", Does::Write, request, act)
            .await
    }

    async fn delete_payload(
        &self,
        request: Request<DeletePayloadPoints>,
    ) -> Answer<PointsOperationResponse> {
        let act = async |asked: DeletePayloadPoints, pause| {
            self.write(Write::DeletePayload(asked.clone()), asked.wait, pause)
                .await
        };
        self.call("DeletePayload", Does::Write, request, act).await
    }

    async fn clear_payload(
        &self,
        request: Request<ClearPayloadPoints>,
    ) -> Answer<PointsOperationResponse> {
        let act = async |asked: ClearPayloadPoints, pause| {
            self.write(Write::ClearPayload(asked.clone()), asked.wait, pause)
                .await
        };
        self.call("ClearPayload", Does::Write, request, act).await
    }

    async fn create_field_index(
        &self,
        request: Request<CreateFieldIndexCollection>,
    ) -> Answer<PointsOperationResponse> {
        let act = async |asked: CreateFieldIndexCollection, pause| {
            self.write(Write::Index(asked.clone()), asked.wait, pause)
                .await
        };
        self.call("CreateFieldIndex", Does::Write, request, act)
            .await
    }

    async fn delete_field_index(
        &self,
        request: Request<DeleteFieldIndexCollection>,
    ) -> Answer<PointsOperationResponse> {
        let act = async |asked: DeleteFieldIndexCollection, pause| {
            self.write(Write::DropIndex(asked.clone()), asked.wait, pause)
                .await
        };
        self.call("DeleteFieldIndex", Does::Write, request, act)
            .await
    }

    async fn update_batch(
        &self,
        request: Request<UpdateBatchPoints>,
    ) -> Answer<UpdateBatchResponse> {
        let act = async |asked: UpdateBatchPoints, pause| {
            let mut result = vec![];
            for operation in asked.operations {
                let write = Write::of(operation, &asked.collection_name)?;
                result.push(
                    self.store
                        .write(write, asked.wait.unwrap_or(false), pause)
                        .await?,
                );
            }
            Ok(UpdateBatchResponse {
                result,
                time: 0.0,
                usage: None,
            })
        };
        self.call("UpdateBatch", Does::Write, request, act).await
    }

    async fn get(&self, request: Request<GetPoints>) -> Answer<GetResponse> {
        let act = async |asked: GetPoints, _| {
            let result = self.retrieve(&asked).await?;
            Ok(GetResponse {
                result,
                time: 0.0,
                usage: None,
            })
        };
        self.call("Get", Does::Read, request, act).await
    }

    async fn scroll(&self, request: Request<ScrollPoints>) -> Answer<ScrollResponse> {
        let act = async |asked: ScrollPoints, _| {
            let page = self.store.look(&asked.collection_name, |collection| {
                read::scroll(&asked, collection)
            })?;
            Ok(ScrollResponse {
                next_page_offset: page.1,
                result: page.0,
                time: 0.0,
                usage: None,
            })
        };
        self.call("Scroll", Does::Read, request, act).await
    }

    async fn count(&self, request: Request<CountPoints>) -> Answer<CountResponse> {
        let act = async |asked: CountPoints, _| {
            let count = self.store.look(&asked.collection_name, |collection| {
                read::count(&asked, collection)
            })?;
            Ok(CountResponse {
                result: Some(CountResult { count }),
                time: 0.0,
                usage: None,
            })
        };
        self.call("Count", Does::Read, request, act).await
    }

    async fn query(&self, request: Request<QueryPoints>) -> Answer<QueryResponse> {
        let act = async |asked: QueryPoints, _| {
            let result = self.ask(&asked, &asked.collection_name).await?;
            Ok(QueryResponse {
                result,
                time: 0.0,
                usage: None,
            })
        };
        self.call("Query", Does::Read, request, act).await
    }

    async fn query_batch(&self, request: Request<QueryBatchPoints>) -> Answer<QueryBatchResponse> {
        let act = async |asked: QueryBatchPoints, _| {
            let (name, queries) = (&asked.collection_name, asked.query_points.len());
            self.store
                .look(name, |collection| strict::searches(queries, collection))?;
            let mut result = vec![];
            for one in &asked.query_points {
                let result_of_one = self.ask(one, name).await?;
                result.push(BatchResult {
                    result: result_of_one,
                });
            }
            Ok(QueryBatchResponse {
                result,
                time: 0.0,
                usage: None,
            })
        };
        self.call("QueryBatch", Does::Read, request, act).await
    }

    async fn update_vectors(
        &self,
        _: Request<UpdatePointVectors>,
    ) -> Answer<PointsOperationResponse> {
        Err(not_played("UpdateVectors"))
    }

    async fn delete_vectors(
        &self,
        _: Request<DeletePointVectors>,
    ) -> Answer<PointsOperationResponse> {
        Err(not_played("DeleteVectors"))
    }

    async fn create_vector_name(
        &self,
        _: Request<CreateVectorNameRequest>,
    ) -> Answer<PointsOperationResponse> {
        Err(not_played("CreateVectorName"))
    }

    async fn delete_vector_name(
        &self,
        _: Request<DeleteVectorNameRequest>,
    ) -> Answer<PointsOperationResponse> {
        Err(not_played("DeleteVectorName"))
    }

    async fn search(&self, _: Request<SearchPoints>) -> Answer<SearchResponse> {
        Err(not_played("Search, which is deprecated: Query does it"))
    }

    async fn search_batch(&self, _: Request<SearchBatchPoints>) -> Answer<SearchBatchResponse> {
        Err(not_played(
            "SearchBatch, which is deprecated: QueryBatch does it",
        ))
    }

    async fn search_groups(&self, _: Request<SearchPointGroups>) -> Answer<SearchGroupsResponse> {
        Err(not_played("SearchGroups"))
    }

    async fn recommend(&self, _: Request<RecommendPoints>) -> Answer<RecommendResponse> {
        Err(not_played("Recommend"))
    }

    async fn recommend_batch(
        &self,
        _: Request<RecommendBatchPoints>,
    ) -> Answer<RecommendBatchResponse> {
        Err(not_played("RecommendBatch"))
    }

    async fn recommend_groups(
        &self,
        _: Request<RecommendPointGroups>,
    ) -> Answer<RecommendGroupsResponse> {
        Err(not_played("RecommendGroups"))
    }

    async fn discover(&self, _: Request<DiscoverPoints>) -> Answer<DiscoverResponse> {
        Err(not_played("Discover"))
    }

    async fn discover_batch(
        &self,
        _: Request<DiscoverBatchPoints>,
    ) -> Answer<DiscoverBatchResponse> {
        Err(not_played("DiscoverBatch"))
    }

    async fn query_groups(&self, _: Request<QueryPointGroups>) -> Answer<QueryGroupsResponse> {
        Err(not_played("QueryGroups"))
    }

    async fn facet(&self, _: Request<FacetCounts>) -> Answer<FacetResponse> {
        Err(not_played("Facet"))
    }

    async fn search_matrix_pairs(
        &self,
        _: Request<SearchMatrixPoints>,
    ) -> Answer<SearchMatrixPairsResponse> {
        Err(not_played("SearchMatrixPairs"))
    }

    async fn search_matrix_offsets(
        &self,
        _: Request<SearchMatrixPoints>,
    ) -> Answer<SearchMatrixOffsetsResponse> {
        Err(not_played("SearchMatrixOffsets"))
    }
}
