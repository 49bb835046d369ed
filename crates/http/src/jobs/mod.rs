//! `/jobs`, and what starts jobs of each family.

mod handlers;
mod links;
mod starts;
mod transfer;

use serde_json::json;

pub(crate) use links::configure;
pub(crate) use starts::{Body as StartBody, Started, body, bulk, export, import, print};

use crate::{
    openapi::{Body, SchemaSource},
    operation::{Operation, Reply, Tag},
};

const TAG: Tag = Tag {
    name: "Jobs",
    description: "What takes longer than a request: exports, imports, bulk changes and documents.",
};

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let operations = vec![
        Operation::get("/jobs", handlers::list)
            .summary("List jobs")
            .description(
                "A page of the jobs that the caller started, and of others of the tenant about what the caller may read, newest \
                 first.",
            )
            .replies(Reply::page::<handlers::JobData>("A page of jobs.")),
        Operation::post("/jobs/uploads", handlers::upload)
            .optional_body(Body {
                schema: SchemaSource::by(|schemas| {
                    schemas.insert(
                        "PrepareUpload",
                        json!({
                            "type": "object",
                            "description": "What is uploaded.",
                            "properties": { "contentType": {
                                "type": "string",
                                "enum": ["text/csv"],
                                "default": "text/csv",
                                "description": "The media type of the file.",
                            } },
                            "additionalProperties": false,
                        }),
                    );
                    "PrepareUpload".to_owned()
                }),
                example: json!({ "contentType": "text/csv" }),
            })
            .summary("Get an upload URL")
            .description(
                "A URL to which a CSV file is uploaded by PUT with `Content-Type: text/csv`, and without a key, for 15 minutes. \
                 `sourcePath` is what imports call it, for 24 hours.",
            )
            .replies(Reply::data::<handlers::UploadData>("Where to upload to.")),
        Operation::get("/jobs/{id}", handlers::get)
            .summary("Get a job")
            .description("One job: its state, how far it is, and what came of it.")
            .replies(Reply::data::<handlers::JobData>("The job.")),
        Operation::delete("/jobs/{id}", handlers::delete)
            .summary("Delete a job")
            .description("One that is not over is cancelled first. What it has changed stays.")
            .replies(Reply::no_content("Deleted.")),
        Operation::get("/jobs/{id}/download", handlers::download)
            .conflicts()
            .summary("Download what a job made")
            .description(
                "Leads to the file for an hour. 409 as long as the job runs and of one that failed or was cancelled; 404 of one \
                 that makes no file.",
            )
            .replies(Reply::redirect("Where the file is.")),
        Operation::get("/jobs/{id}/errors", handlers::errors)
            .summary("Download the errors of an import")
            .description(
                "Leads to a CSV file with a row for each row that was not imported: its number (the header is row 1), a code, what \
                 is wrong, and the row itself.",
            )
            .replies(Reply::redirect("Where the file is.")),
        Operation::post("/jobs/{id}/cancel", handlers::cancel)
            .summary("Cancel a job")
            .description("What it has changed so far stays. A job that is over cannot be cancelled: 409.")
            .replies(Reply::data::<handlers::JobData>("The job, cancelled.")),
        Operation::post("/jobs/{id}/undo", handlers::undo)
            .conflicts()
            .cost(100)
            .summary("Undo an import")
            .description(
                "Starts a job that deletes what an import created and sets back what it changed. Rows that were changed or deleted \
                 since are left alone: the job's errors tell which, and why. Needs the scopes to write and delete rows of the family. \
                 An import that is not over, and a job that is none: 409.",
            )
            .replies(Reply::accepted::<Started>("The job that undoes it.")),
    ];
    operations.into_iter().map(|operation| operation.tagged(TAG)).collect()
}
