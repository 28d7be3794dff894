BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'shjobs','first','2026-11-25 17:17:20.653928+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'shjobs','second','2026-11-25 17:17:20.657694+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'shjobs','third','2026-11-25 17:17:20.661465+00:00');
CREATE TABLE batch (
    hash text primary key,
    at text,
    jobs integer not null default 0,
    units real not null default 0,
    cause text not null default '',
    accepted_at text
);
CREATE TABLE due (
    key text primary key,
    batch text not null default '',
    is_listed integer not null default 0
);
CREATE TABLE event (
    number integer primary key,
    at text not null,
    job text,
    submission text,
    reason text not null,
    message text not null
);
INSERT INTO "event" VALUES(1,'2026-11-25T17:17:20.674411+00:00','bad',NULL,'Queued','will be submitted when a place is free');
INSERT INTO "event" VALUES(2,'2026-11-25T17:17:20.674411+00:00','held',NULL,'OnHold','spec.hold is true; set it to false to submit');
INSERT INTO "event" VALUES(3,'2026-11-25T17:17:20.674411+00:00','ndvi',NULL,'Queued','will be submitted when a place is free');
INSERT INTO "event" VALUES(4,'2026-11-25T17:17:21.107528+00:00','bad','350bdb27eb25064c-r0-a0','Submitting','the request is being sent');
INSERT INTO "event" VALUES(5,'2026-11-25T17:17:21.107528+00:00','ndvi','e9e2dc4bb9dfe36c-r0-a0','Submitting','the request is being sent');
INSERT INTO "event" VALUES(6,'2026-11-25T17:17:21.134728+00:00','bad','350bdb27eb25064c-r0-a0','Running','the service is working on it');
INSERT INTO "event" VALUES(7,'2026-11-25T17:17:21.201722+00:00','ndvi','e9e2dc4bb9dfe36c-r0-a0','Running','the service is working on it');
INSERT INTO "event" VALUES(8,'2026-11-25T17:17:21.439542+00:00','ndvi','e9e2dc4bb9dfe36c-r0-a0','Verifying','finished at the service; waiting until the evidence in the bucket is settled');
INSERT INTO "event" VALUES(9,'2026-11-25T17:17:21.516483+00:00','ndvi','e9e2dc4bb9dfe36c-r0-a0','Delivered','every declared output is in the bucket');
INSERT INTO "event" VALUES(10,'2026-11-25T17:17:21.730135+00:00','bad','350bdb27eb25064c-r0-a0','Verifying','finished at the service; waiting until the evidence in the bucket is settled');
INSERT INTO "event" VALUES(11,'2026-11-25T17:17:21.734181+00:00','bad','350bdb27eb25064c-r0-a0','ErrorReported','Failed to evaluate script! Error: no (line 6, column 9)');
CREATE TABLE file (
    path text primary key,
    kind text not null,
    size integer not null,
    mtime_ns integer not null,
    ctime_ns integer not null,
    inode integer not null,
    sha256 text not null,
    uses text not null
);
INSERT INTO "file" VALUES('bad.yaml','manifest',770,1795627040608549261,0,2207332,'79e79553c7d0a3cab7823a8494923add0093beeb4e35e02111c1a22b28a3690f','[]');
INSERT INTO "file" VALUES('held.yaml','manifest',761,1795627040608748037,0,2207333,'3e719bf4832578f4299893908157e25f100571a6acec7d64d58d3d6a13cfd937','[]');
INSERT INTO "file" VALUES('ndvi.yaml','manifest',747,1795627040608334602,0,2207331,'3769eefec745e6dcdd447e7e9b0e9c4ede9358df170a56824f378ec46d03355c','[]');
INSERT INTO "file" VALUES('broken.yaml','broken',751,1795627040608940463,0,2207334,'667cfb35480d0351d465af3c37fb0b4fd7d6f0e109e7a243c740059781337ad8','[]');
INSERT INTO "file" VALUES('broken.status.yaml','status',285,1795627041106404869,1795627041106404869,2207346,'81cfd72e70dcdde634051bd3ce683b5078fd0f485cffb9e4d81786fc950b67d5','[]');
INSERT INTO "file" VALUES('held.status.yaml','status',310,1795627041106784824,1795627041106784824,2207347,'6c15dfb42ebfa9e26a44f04039edcd05596145a2d0df497063dc4e4f4221587c','[]');
INSERT INTO "file" VALUES('ndvi.status.yaml','status',811,1795627041519346577,1795627041519346577,2207320,'a45f6146f1a6dd06a9aeb5ee1f800281c3217cc9bb36a749278dbf536c169d1b','[]');
INSERT INTO "file" VALUES('bad.status.yaml','status',619,1795627041741927133,1795627041741927133,2207301,'2bc0cd0906f03b99b19f66f1ceef62ae951ae3e1a71d30e75ff2aac2993946df','[]');
CREATE TABLE inbox (
    number integer primary key,
    at text not null,
    command text not null,
    done_at text
);
CREATE TABLE job (
    name text primary key,
    path text not null,
    position integer not null,
    generation integer not null,
    wanted text,
    body text,
    told text not null default ''
);
INSERT INTO "job" VALUES('ndvi','ndvi.yaml',0,1,'{"digest": "1:e9e2dc4bb9dfe36ca5681098f06695da2f80c6f89086f29b067784a5768cf656", "delivery_url": "s3://my-bucket/rasters", "credentials_ref": "my-bucket", "role_arn": null, "outputs": [{"identifier": "default", "media_type": "image/tiff", "extensions": ["tif", "tiff"]}], "estimate": {"expected": 10.0, "upper": 10.0}, "rerun": 0, "retries": 0, "hold": false, "deadline": 86400.0, "priority": 0, "max_processing_units": null, "labels": [], "script": "", "script_hash": "", "cause": "new", "revision": ""}','{"input": {"bounds": {"bbox": [14.4, 35.8, 14.5, 35.9]}, "data": [{"type": "sentinel-2-l2a", "dataFilter": {"timeRange": {"from": "2022-06-20T00:00:00Z", "to": "2022-06-30T23:59:59Z"}}}]}, "output": {"width": 64, "height": 32, "responses": [{"identifier": "default", "format": {"type": "image/tiff"}}], "delivery": {"s3": {"url": "s3://my-bucket/rasters"}}}, "evalscript": "//VERSION=3\nfunction setup() {\n  return {input: [\"B04\", \"B08\"], output: {bands: 1, sampleType: \"FLOAT32\"}};\n}\nfunction evaluatePixel(sample) {\n  return [index(sample.B08, sample.B04)];\n}\n"}','Delivered: every declared output is in the bucket');
INSERT INTO "job" VALUES('held','held.yaml',0,1,'{"digest": "1:143d0411ac04d7f076c6e7c0bc669799f3bc589facad93a4cb32c3d50592e2df", "delivery_url": "s3://my-bucket/rasters", "credentials_ref": "my-bucket", "role_arn": null, "outputs": [{"identifier": "default", "media_type": "image/tiff", "extensions": ["tif", "tiff"]}], "estimate": {"expected": 10.0, "upper": 10.0}, "rerun": 0, "retries": 0, "hold": true, "deadline": 86400.0, "priority": 0, "max_processing_units": null, "labels": [], "script": "", "script_hash": "", "cause": "new", "revision": ""}','{"input": {"bounds": {"bbox": [14.43, 35.8, 14.5, 35.9]}, "data": [{"type": "sentinel-2-l2a", "dataFilter": {"timeRange": {"from": "2022-06-20T00:00:00Z", "to": "2022-06-30T23:59:59Z"}}}]}, "output": {"width": 64, "height": 32, "responses": [{"identifier": "default", "format": {"type": "image/tiff"}}], "delivery": {"s3": {"url": "s3://my-bucket/rasters"}}}, "evalscript": "//VERSION=3\nfunction setup() {\n  return {input: [\"B04\", \"B08\"], output: {bands: 1, sampleType: \"FLOAT32\"}};\n}\nfunction evaluatePixel(sample) {\n  return [index(sample.B08, sample.B04)];\n}\n"}','OnHold: spec.hold is true; set it to false to submit');
INSERT INTO "job" VALUES('bad','bad.yaml',0,1,'{"digest": "1:350bdb27eb25064cb7fe7cfcb3fd30eaa244fcc8cea41d6705a2dfa072cbcd34", "delivery_url": "s3://my-bucket/rasters", "credentials_ref": "my-bucket", "role_arn": null, "outputs": [{"identifier": "default", "media_type": "image/tiff", "extensions": ["tif", "tiff"]}], "estimate": {"expected": 10.0, "upper": 10.0}, "rerun": 0, "retries": 0, "hold": false, "deadline": 86400.0, "priority": 0, "max_processing_units": null, "labels": [], "script": "", "script_hash": "", "cause": "new", "revision": ""}','{"input": {"bounds": {"bbox": [14.42, 35.8, 14.5, 35.9]}, "data": [{"type": "sentinel-2-l2a", "dataFilter": {"timeRange": {"from": "2022-06-20T00:00:00Z", "to": "2022-06-30T23:59:59Z"}}}]}, "output": {"width": 64, "height": 32, "responses": [{"identifier": "default", "format": {"type": "image/tiff"}}], "delivery": {"s3": {"url": "s3://my-bucket/rasters"}}}, "evalscript": "//VERSION=3\nfunction setup() {\n  return {input: [\"B04\", \"B08\"], output: {bands: 1, sampleType: \"FLOAT32\"}};\n}\nfunction evaluatePixel(sample) {\n  throw new Error(''no''); return [index(sample.B08, sample.B04)];\n}\n"}','ErrorReported: Failed to evaluate script! Error: no (line 6, column 9)');
CREATE TABLE meta (
    key text primary key,
    value text not null
);
INSERT INTO "meta" VALUES('deployment','sandbox');
INSERT INTO "meta" VALUES('account','sandbox');
CREATE TABLE status (
    path text primary key,
    documents text not null
);
INSERT INTO "status" VALUES('broken.yaml','[{"apiVersion": "shjobs/v1", "kind": "AsyncProcessStatus", "name": "broken", "phase": "Invalid", "reason": "Rejected", "message": "the manifest cannot be accepted; see manifest.problems", "manifest": {"accepted": false, "problems": ["broken.yaml:15:7: E106 spec.request.output.width: must be a whole number, not text"]}}]');
INSERT INTO "status" VALUES('held.yaml','[{"apiVersion": "shjobs/v1", "kind": "AsyncProcessStatus", "name": "held", "phase": "Held", "reason": "OnHold", "message": "spec.hold is true; set it to false to submit", "manifest": {"accepted": true}, "generation": 1, "digest": "1:143d0411ac04d7f076c6e7c0bc669799f3bc589facad93a4cb32c3d50592e2df", "deployment": "sandbox", "processingUnits": {"estimated": 10.0}}]');
INSERT INTO "status" VALUES('ndvi.yaml','[{"apiVersion": "shjobs/v1", "kind": "AsyncProcessStatus", "name": "ndvi", "phase": "Succeeded", "reason": "Delivered", "message": "every declared output is in the bucket", "manifest": {"accepted": true}, "generation": 1, "digest": "1:e9e2dc4bb9dfe36ca5681098f06695da2f80c6f89086f29b067784a5768cf656", "deployment": "sandbox", "requestId": "46d40c87-a915-44f3-a46e-64bf933cda20", "submittedAt": "2026-11-25T17:17:21Z", "finishedAt": "2026-11-25T17:17:21Z", "processingUnits": {"estimated": 10.0, "spent": 10.0}, "outputs": [{"identifier": "default", "href": "s3://my-bucket/rasters/ndvi/e9e2dc4bb9dfe36c-r0-a0/46d40c87-a915-44f3-a46e-64bf933cda20/default.tif", "bytes": 7432, "etag": "21ae83-6611cfff2c1e1-1d08"}], "history": [{"submission": "e9e2dc4bb9dfe36c-r0-a0", "requestId": "46d40c87-a915-44f3-a46e-64bf933cda20", "submittedAt": "2026-11-25T17:17:21Z", "outcome": "succeeded", "processingUnits": 10.0}]}]');
INSERT INTO "status" VALUES('bad.yaml','[{"apiVersion": "shjobs/v1", "kind": "AsyncProcessStatus", "name": "bad", "phase": "Failed", "reason": "ErrorReported", "message": "Failed to evaluate script! Error: no (line 6, column 9)", "manifest": {"accepted": true}, "generation": 1, "digest": "1:350bdb27eb25064cb7fe7cfcb3fd30eaa244fcc8cea41d6705a2dfa072cbcd34", "deployment": "sandbox", "requestId": "86b78d22-b5f9-4a57-9c8e-fb884bc3c422", "submittedAt": "2026-11-25T17:17:21Z", "finishedAt": "2026-11-25T17:17:21Z", "processingUnits": {"estimated": 10.0, "reserved": 10.0}, "history": [{"submission": "350bdb27eb25064c-r0-a0", "requestId": "86b78d22-b5f9-4a57-9c8e-fb884bc3c422", "submittedAt": "2026-11-25T17:17:21Z", "outcome": "failed"}]}]');
CREATE TABLE submission (
    number integer primary key,
    id text not null,
    job text not null,
    digest text not null,
    rerun integer not null,
    attempt integer not null,
    generation integer not null,
    revision text not null default '',
    body text not null,
    outputs text not null,
    prefix text not null,
    credentials_ref text,
    reserved_pu real,
    intended_at text not null,
    answer text check (answer in ('accepted', 'refused', 'unconfirmed')),
    answered_at text,
    answer_detail text,
    message text not null default '',
    request_id text unique,
    missing_at text,
    gone_at text,
    verdict text check (verdict in ('succeeded', 'failed', 'unknown')),
    reason text not null default '',
    finished_at text,
    evidence text,
    spent_pu real,
    look_at text
, adopted integer not null default 0);
INSERT INTO "submission" VALUES(1,'350bdb27eb25064c-r0-a0','bad','1:350bdb27eb25064cb7fe7cfcb3fd30eaa244fcc8cea41d6705a2dfa072cbcd34',0,0,1,'','{"input": {"bounds": {"bbox": [14.42, 35.8, 14.5, 35.9]}, "data": [{"type": "sentinel-2-l2a", "dataFilter": {"timeRange": {"from": "2022-06-20T00:00:00Z", "to": "2022-06-30T23:59:59Z"}}}]}, "output": {"width": 64, "height": 32, "responses": [{"identifier": "default", "format": {"type": "image/tiff"}}], "delivery": {"s3": {"url": "s3://my-bucket/rasters"}}}, "evalscript": "//VERSION=3\nfunction setup() {\n  return {input: [\"B04\", \"B08\"], output: {bands: 1, sampleType: \"FLOAT32\"}};\n}\nfunction evaluatePixel(sample) {\n  throw new Error(''no''); return [index(sample.B08, sample.B04)];\n}\n"}','[{"identifier": "default", "media_type": "image/tiff", "extensions": ["tif", "tiff"]}]','s3://my-bucket/rasters/bad/350bdb27eb25064c-r0-a0','my-bucket',10.0,'2026-11-25T17:17:21.107528+00:00','accepted','2026-11-25T17:17:21.134728+00:00',NULL,'Failed to evaluate script! Error: no (line 6, column 9)','86b78d22-b5f9-4a57-9c8e-fb884bc3c422','2026-11-25T17:17:21.675921+00:00','2026-11-25T17:17:21.730135+00:00','failed','ErrorReported','2026-11-25T17:17:21.734181+00:00','{"at": "2026-11-25T17:17:21.734181+00:00", "since": "2026-11-25T17:17:21.734181+00:00", "readable": true, "objects": [{"key": "86b78d22-b5f9-4a57-9c8e-fb884bc3c422/error.json", "bytes": 146, "etag": "21ae7d-6611cfff4fbde-92", "modified": "2026-11-25T17:17:21.487838+00:00"}, {"key": "86b78d22-b5f9-4a57-9c8e-fb884bc3c422/request-86b78d22-b5f9-4a57-9c8e-fb884bc3c422.json", "bytes": 843, "etag": "21ae79-6611cffef936c-34b", "modified": "2026-11-25T17:17:21.133420+00:00"}], "error": "Failed to evaluate script! Error: no (line 6, column 9)", "spent": null, "message": ""}',NULL,'2026-11-25T17:17:39.730135+00:00',0);
INSERT INTO "submission" VALUES(2,'e9e2dc4bb9dfe36c-r0-a0','ndvi','1:e9e2dc4bb9dfe36ca5681098f06695da2f80c6f89086f29b067784a5768cf656',0,0,1,'','{"input": {"bounds": {"bbox": [14.4, 35.8, 14.5, 35.9]}, "data": [{"type": "sentinel-2-l2a", "dataFilter": {"timeRange": {"from": "2022-06-20T00:00:00Z", "to": "2022-06-30T23:59:59Z"}}}]}, "output": {"width": 64, "height": 32, "responses": [{"identifier": "default", "format": {"type": "image/tiff"}}], "delivery": {"s3": {"url": "s3://my-bucket/rasters"}}}, "evalscript": "//VERSION=3\nfunction setup() {\n  return {input: [\"B04\", \"B08\"], output: {bands: 1, sampleType: \"FLOAT32\"}};\n}\nfunction evaluatePixel(sample) {\n  return [index(sample.B08, sample.B04)];\n}\n"}','[{"identifier": "default", "media_type": "image/tiff", "extensions": ["tif", "tiff"]}]','s3://my-bucket/rasters/ndvi/e9e2dc4bb9dfe36c-r0-a0','my-bucket',10.0,'2026-11-25T17:17:21.107528+00:00','accepted','2026-11-25T17:17:21.201722+00:00',NULL,'every declared output is delivered','46d40c87-a915-44f3-a46e-64bf933cda20','2026-11-25T17:17:21.385230+00:00','2026-11-25T17:17:21.439542+00:00','succeeded','Delivered','2026-11-25T17:17:21.516483+00:00','{"at": "2026-11-25T17:17:21.516483+00:00", "since": "2026-11-25T17:17:21.463434+00:00", "readable": true, "objects": [{"key": "46d40c87-a915-44f3-a46e-64bf933cda20/default.tif", "bytes": 7432, "etag": "21ae83-6611cfff2c1e1-1d08", "modified": "2026-11-25T17:17:21.341921+00:00"}, {"key": "46d40c87-a915-44f3-a46e-64bf933cda20/request-46d40c87-a915-44f3-a46e-64bf933cda20.json", "bytes": 837, "etag": "21ae71-6611cfff2d7b9-345", "modified": "2026-11-25T17:17:21.347513+00:00"}], "error": null, "spent": 10.0, "message": ""}',10.0,NULL,0);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE UNIQUE INDEX submission_paid_once on submission (job, digest, rerun, attempt) where answer is not 'refused';
CREATE INDEX submission_by_job on submission (job, number);
CREATE INDEX event_by_job on event (job, number);
COMMIT;
