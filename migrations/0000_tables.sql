CREATE TABLE "address_type" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "address_type_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"group_name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone,
	CONSTRAINT "address_type_name_length" CHECK (char_length("address_type"."name") between 1 and 150),
	CONSTRAINT "address_type_group_name_length" CHECK (char_length("address_type"."group_name") between 1 and 150)
);
--> statement-breakpoint
CREATE TABLE "address" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "address_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"address_type_id" bigint NOT NULL,
	"database_name" text,
	"schema_name" text,
	"table_name" text,
	"primary_key" text,
	"deprecated" boolean DEFAULT false NOT NULL,
	"address_metadata" jsonb,
	"config_hash" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone,
	CONSTRAINT "address_name_length" CHECK (char_length("address"."name") between 1 and 150),
	CONSTRAINT "address_database_name_length" CHECK (char_length("address"."database_name") between 0 and 50),
	CONSTRAINT "address_schema_name_length" CHECK (char_length("address"."schema_name") between 0 and 50),
	CONSTRAINT "address_table_name_length" CHECK (char_length("address"."table_name") between 0 and 50),
	CONSTRAINT "address_primary_key_length" CHECK (char_length("address"."primary_key") between 0 and 50)
);
--> statement-breakpoint
CREATE TABLE "anomaly_detection_result" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "anomaly_detection_result_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"pipeline_execution_id" bigint NOT NULL,
	"rule_id" bigint NOT NULL,
	"violation_value" double precision NOT NULL,
	"baseline_value" double precision NOT NULL,
	"deviation_percentage" double precision,
	"confidence_score" double precision NOT NULL,
	"context" jsonb NOT NULL,
	"detected_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "anomaly_detection_result_confidence_range" CHECK (confidence_score between 0 and 1)
);
--> statement-breakpoint
CREATE TABLE "anomaly_detection_rule" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "anomaly_detection_rule_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"pipeline_id" bigint NOT NULL,
	"metric_field" text NOT NULL,
	"std_deviation_threshold_multiplier" double precision DEFAULT 2 NOT NULL,
	"lookback_days" integer DEFAULT 30 NOT NULL,
	"minimum_executions" integer DEFAULT 10 NOT NULL,
	"active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone,
	CONSTRAINT "anomaly_detection_rule_metric_known" CHECK ("anomaly_detection_rule"."metric_field" in ('duration_seconds', 'inserts', 'updates', 'soft_deletes', 'total_rows', 'throughput')),
	CONSTRAINT "anomaly_detection_rule_multiplier_range" CHECK (std_deviation_threshold_multiplier between 1 and 10),
	CONSTRAINT "anomaly_detection_rule_lookback_range" CHECK (lookback_days between 1 and 365),
	CONSTRAINT "anomaly_detection_rule_minimum_range" CHECK (minimum_executions between 5 and 1000)
);
--> statement-breakpoint
CREATE TABLE "pipeline_execution" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "pipeline_execution_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"pipeline_id" bigint NOT NULL,
	"parent_id" bigint,
	"start_date" timestamp with time zone NOT NULL,
	"date_recorded" date GENERATED ALWAYS AS ((start_date at time zone 'UTC')::date) STORED NOT NULL,
	"hour_recorded" smallint GENERATED ALWAYS AS (extract(hour from start_date at time zone 'UTC')::smallint) STORED NOT NULL,
	"end_date" timestamp with time zone,
	"duration_seconds" bigint,
	"completed_successfully" boolean,
	"inserts" bigint,
	"updates" bigint,
	"soft_deletes" bigint,
	"total_rows" bigint,
	"throughput" double precision,
	"full_load" boolean DEFAULT false NOT NULL,
	"watermark" text,
	"next_watermark" text,
	"execution_metadata" jsonb,
	"idempotency_key" text,
	"guards_start" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "pipeline_execution_parent_is_another" CHECK (parent_id <> id),
	CONSTRAINT "pipeline_execution_end_after_start" CHECK (end_date >= start_date),
	CONSTRAINT "pipeline_execution_outcome_with_end" CHECK ((end_date is null) = (completed_successfully is null)),
	CONSTRAINT "pipeline_execution_duration_seconds_range" CHECK ("pipeline_execution"."duration_seconds" >= 0),
	CONSTRAINT "pipeline_execution_inserts_range" CHECK ("pipeline_execution"."inserts" >= 0),
	CONSTRAINT "pipeline_execution_updates_range" CHECK ("pipeline_execution"."updates" >= 0),
	CONSTRAINT "pipeline_execution_soft_deletes_range" CHECK ("pipeline_execution"."soft_deletes" >= 0),
	CONSTRAINT "pipeline_execution_total_rows_range" CHECK ("pipeline_execution"."total_rows" >= 0),
	CONSTRAINT "pipeline_execution_watermark_length" CHECK (char_length("pipeline_execution"."watermark") between 0 and 50),
	CONSTRAINT "pipeline_execution_next_watermark_length" CHECK (char_length("pipeline_execution"."next_watermark") between 0 and 50),
	CONSTRAINT "pipeline_execution_idempotency_key_length" CHECK (char_length("pipeline_execution"."idempotency_key") between 1 and 200)
);
--> statement-breakpoint
CREATE TABLE "pipeline_execution_closure" (
	"ancestor_id" bigint NOT NULL,
	"descendant_id" bigint NOT NULL,
	"depth" integer NOT NULL,
	CONSTRAINT "pipeline_execution_closure_pk" PRIMARY KEY("descendant_id","ancestor_id"),
	CONSTRAINT "pipeline_execution_closure_depth" CHECK ((depth = 0) = (ancestor_id = descendant_id) and depth >= 0)
);
--> statement-breakpoint
CREATE TABLE "freshness_pipeline_log" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "freshness_pipeline_log_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"pipeline_id" bigint NOT NULL,
	"last_dml_timestamp" timestamp with time zone NOT NULL,
	"evaluation_timestamp" timestamp with time zone NOT NULL,
	"freshness_number" integer NOT NULL,
	"freshness_datepart" text NOT NULL,
	"used_child_config" boolean NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "freshness_pipeline_log_datepart_known" CHECK ("freshness_pipeline_log"."freshness_datepart" in ('minute', 'hour', 'day', 'week', 'month', 'year')),
	CONSTRAINT "freshness_pipeline_log_number_range" CHECK (freshness_number >= 1)
);
--> statement-breakpoint
CREATE TABLE "address_lineage" (
	"pipeline_id" bigint NOT NULL,
	"source_address_id" bigint NOT NULL,
	"target_address_id" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "address_lineage_pk" PRIMARY KEY("pipeline_id","source_address_id","target_address_id")
);
--> statement-breakpoint
CREATE TABLE "address_lineage_closure" (
	"source_address_id" bigint NOT NULL,
	"target_address_id" bigint NOT NULL,
	"depth" integer NOT NULL,
	CONSTRAINT "address_lineage_closure_pk" PRIMARY KEY("source_address_id","target_address_id"),
	CONSTRAINT "address_lineage_closure_depth" CHECK ((depth = 0) = (source_address_id = target_address_id) and depth >= 0)
);
--> statement-breakpoint
CREATE TABLE "pipeline_type" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "pipeline_type_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"freshness_number" integer,
	"freshness_datepart" text,
	"mute_freshness_check" boolean DEFAULT false NOT NULL,
	"timeliness_number" integer,
	"timeliness_datepart" text,
	"mute_timeliness_check" boolean DEFAULT false NOT NULL,
	"config_hash" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone,
	CONSTRAINT "pipeline_type_name_length" CHECK (char_length("pipeline_type"."name") between 1 and 150),
	CONSTRAINT "pipeline_type_freshness_pair" CHECK (("pipeline_type"."freshness_number" is null) = ("pipeline_type"."freshness_datepart" is null)),
	CONSTRAINT "pipeline_type_freshness_number_range" CHECK ("pipeline_type"."freshness_number" between 1 and case "pipeline_type"."freshness_datepart" when 'minute' then 525600000 when 'hour' then 8760000 when 'day' then 365000 when 'week' then 52000 when 'month' then 12000 when 'year' then 1000 end),
	CONSTRAINT "pipeline_type_freshness_datepart_known" CHECK ("pipeline_type"."freshness_datepart" in ('minute', 'hour', 'day', 'week', 'month', 'year')),
	CONSTRAINT "pipeline_type_timeliness_pair" CHECK (("pipeline_type"."timeliness_number" is null) = ("pipeline_type"."timeliness_datepart" is null)),
	CONSTRAINT "pipeline_type_timeliness_number_range" CHECK ("pipeline_type"."timeliness_number" between 1 and case "pipeline_type"."timeliness_datepart" when 'minute' then 525600000 when 'hour' then 8760000 when 'day' then 365000 when 'week' then 52000 when 'month' then 12000 when 'year' then 1000 end),
	CONSTRAINT "pipeline_type_timeliness_datepart_known" CHECK ("pipeline_type"."timeliness_datepart" in ('minute', 'hour', 'day', 'week', 'month', 'year'))
);
--> statement-breakpoint
CREATE TABLE "pipeline" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "pipeline_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"pipeline_type_id" bigint NOT NULL,
	"watermark" text,
	"next_watermark" text,
	"pipeline_metadata" jsonb,
	"last_target_insert" timestamp with time zone,
	"last_target_update" timestamp with time zone,
	"last_target_soft_delete" timestamp with time zone,
	"freshness_number" integer,
	"freshness_datepart" text,
	"mute_freshness_check" boolean DEFAULT false NOT NULL,
	"timeliness_number" integer,
	"timeliness_datepart" text,
	"mute_timeliness_check" boolean DEFAULT false NOT NULL,
	"load_lineage" boolean DEFAULT false NOT NULL,
	"full_load" boolean DEFAULT false NOT NULL,
	"active" boolean DEFAULT true NOT NULL,
	"config_hash" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone,
	CONSTRAINT "pipeline_name_length" CHECK (char_length("pipeline"."name") between 1 and 150),
	CONSTRAINT "pipeline_watermark_length" CHECK (char_length("pipeline"."watermark") between 0 and 50),
	CONSTRAINT "pipeline_next_watermark_length" CHECK (char_length("pipeline"."next_watermark") between 0 and 50),
	CONSTRAINT "pipeline_freshness_pair" CHECK (("pipeline"."freshness_number" is null) = ("pipeline"."freshness_datepart" is null)),
	CONSTRAINT "pipeline_freshness_number_range" CHECK ("pipeline"."freshness_number" between 1 and case "pipeline"."freshness_datepart" when 'minute' then 525600000 when 'hour' then 8760000 when 'day' then 365000 when 'week' then 52000 when 'month' then 12000 when 'year' then 1000 end),
	CONSTRAINT "pipeline_freshness_datepart_known" CHECK ("pipeline"."freshness_datepart" in ('minute', 'hour', 'day', 'week', 'month', 'year')),
	CONSTRAINT "pipeline_timeliness_pair" CHECK (("pipeline"."timeliness_number" is null) = ("pipeline"."timeliness_datepart" is null)),
	CONSTRAINT "pipeline_timeliness_number_range" CHECK ("pipeline"."timeliness_number" between 1 and case "pipeline"."timeliness_datepart" when 'minute' then 525600000 when 'hour' then 8760000 when 'day' then 365000 when 'week' then 52000 when 'month' then 12000 when 'year' then 1000 end),
	CONSTRAINT "pipeline_timeliness_datepart_known" CHECK ("pipeline"."timeliness_datepart" in ('minute', 'hour', 'day', 'week', 'month', 'year'))
);
--> statement-breakpoint
CREATE TABLE "timeliness_pipeline_execution_log" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "timeliness_pipeline_execution_log_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"pipeline_execution_id" bigint NOT NULL,
	"pipeline_id" bigint NOT NULL,
	"duration_seconds" bigint NOT NULL,
	"seconds_threshold" bigint NOT NULL,
	"execution_status" text NOT NULL,
	"timely_number" integer NOT NULL,
	"timely_datepart" text NOT NULL,
	"used_child_config" boolean NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "timeliness_pipeline_execution_log_status_known" CHECK ("timeliness_pipeline_execution_log"."execution_status" in ('running', 'completed')),
	CONSTRAINT "timeliness_pipeline_execution_log_datepart_known" CHECK ("timeliness_pipeline_execution_log"."timely_datepart" in ('minute', 'hour', 'day', 'week', 'month', 'year')),
	CONSTRAINT "timeliness_pipeline_execution_log_number_range" CHECK (timely_number >= 1)
);
--> statement-breakpoint
CREATE TABLE "job" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "job_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"payload" jsonb NOT NULL,
	"state" text DEFAULT 'waiting' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"error" text,
	"unique_key" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	CONSTRAINT "job_kind_known" CHECK ("job"."kind" in ('detect_anomalies', 'check_timeliness', 'check_freshness', 'clean_logs', 'send_alert')),
	CONSTRAINT "job_state_known" CHECK ("job"."state" in ('waiting', 'running', 'succeeded', 'failed')),
	CONSTRAINT "job_attempts_range" CHECK ("job"."attempts" >= 0)
);
--> statement-breakpoint
ALTER TABLE "address" ADD CONSTRAINT "address_address_type_id_address_type_id_fk" FOREIGN KEY ("address_type_id") REFERENCES "public"."address_type"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "anomaly_detection_result" ADD CONSTRAINT "anomaly_detection_result_pipeline_execution_id_pipeline_execution_id_fk" FOREIGN KEY ("pipeline_execution_id") REFERENCES "public"."pipeline_execution"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "anomaly_detection_result" ADD CONSTRAINT "anomaly_detection_result_rule_id_anomaly_detection_rule_id_fk" FOREIGN KEY ("rule_id") REFERENCES "public"."anomaly_detection_rule"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD CONSTRAINT "anomaly_detection_rule_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pipeline_execution" ADD CONSTRAINT "pipeline_execution_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pipeline_execution" ADD CONSTRAINT "pipeline_execution_parent_id_pipeline_execution_id_fk" FOREIGN KEY ("parent_id") REFERENCES "public"."pipeline_execution"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pipeline_execution_closure" ADD CONSTRAINT "pipeline_execution_closure_ancestor_id_pipeline_execution_id_fk" FOREIGN KEY ("ancestor_id") REFERENCES "public"."pipeline_execution"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pipeline_execution_closure" ADD CONSTRAINT "pipeline_execution_closure_descendant_id_pipeline_execution_id_fk" FOREIGN KEY ("descendant_id") REFERENCES "public"."pipeline_execution"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "freshness_pipeline_log" ADD CONSTRAINT "freshness_pipeline_log_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "address_lineage" ADD CONSTRAINT "address_lineage_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "address_lineage" ADD CONSTRAINT "address_lineage_source_address_id_address_id_fk" FOREIGN KEY ("source_address_id") REFERENCES "public"."address"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "address_lineage" ADD CONSTRAINT "address_lineage_target_address_id_address_id_fk" FOREIGN KEY ("target_address_id") REFERENCES "public"."address"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "address_lineage_closure" ADD CONSTRAINT "address_lineage_closure_source_address_id_address_id_fk" FOREIGN KEY ("source_address_id") REFERENCES "public"."address"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "address_lineage_closure" ADD CONSTRAINT "address_lineage_closure_target_address_id_address_id_fk" FOREIGN KEY ("target_address_id") REFERENCES "public"."address"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pipeline" ADD CONSTRAINT "pipeline_pipeline_type_id_pipeline_type_id_fk" FOREIGN KEY ("pipeline_type_id") REFERENCES "public"."pipeline_type"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "timeliness_pipeline_execution_log" ADD CONSTRAINT "timeliness_pipeline_execution_log_pipeline_execution_id_pipeline_execution_id_fk" FOREIGN KEY ("pipeline_execution_id") REFERENCES "public"."pipeline_execution"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "timeliness_pipeline_execution_log" ADD CONSTRAINT "timeliness_pipeline_execution_log_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "address_type_name_unique" ON "address_type" USING btree (lower("name"));--> statement-breakpoint
CREATE UNIQUE INDEX "address_name_unique" ON "address" USING btree ("name");--> statement-breakpoint
CREATE INDEX "address_address_type_id" ON "address" USING btree ("address_type_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "anomaly_detection_result_once" ON "anomaly_detection_result" USING btree ("pipeline_execution_id","rule_id");--> statement-breakpoint
CREATE UNIQUE INDEX "anomaly_detection_rule_metric_unique" ON "anomaly_detection_rule" USING btree ("pipeline_id","metric_field");--> statement-breakpoint
CREATE INDEX "pipeline_execution_pipeline_id" ON "pipeline_execution" USING btree ("pipeline_id","id");--> statement-breakpoint
CREATE INDEX "pipeline_execution_parent_id" ON "pipeline_execution" USING btree ("parent_id","id") WHERE parent_id is not null;--> statement-breakpoint
CREATE INDEX "pipeline_execution_running" ON "pipeline_execution" USING btree ("id") WHERE end_date is null;--> statement-breakpoint
CREATE INDEX "pipeline_execution_failed" ON "pipeline_execution" USING btree ("id") WHERE completed_successfully = false;--> statement-breakpoint
CREATE INDEX "pipeline_execution_failed_of_pipeline" ON "pipeline_execution" USING btree ("pipeline_id","id") WHERE completed_successfully = false;--> statement-breakpoint
CREATE INDEX "pipeline_execution_start_date" ON "pipeline_execution" USING btree ("start_date");--> statement-breakpoint
CREATE UNIQUE INDEX "pipeline_execution_idempotency_key_unique" ON "pipeline_execution" USING btree ("pipeline_id","idempotency_key") WHERE idempotency_key is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "pipeline_execution_start_unique" ON "pipeline_execution" USING btree ("pipeline_id","start_date",coalesce(parent_id, 0)) WHERE guards_start;--> statement-breakpoint
CREATE UNIQUE INDEX "freshness_pipeline_log_once" ON "freshness_pipeline_log" USING btree ("pipeline_id","last_dml_timestamp");--> statement-breakpoint
CREATE INDEX "address_lineage_source" ON "address_lineage" USING btree ("source_address_id","target_address_id");--> statement-breakpoint
CREATE INDEX "address_lineage_target" ON "address_lineage" USING btree ("target_address_id","source_address_id");--> statement-breakpoint
CREATE INDEX "address_lineage_closure_target" ON "address_lineage_closure" USING btree ("target_address_id","source_address_id");--> statement-breakpoint
CREATE UNIQUE INDEX "pipeline_type_name_unique" ON "pipeline_type" USING btree (lower("name"));--> statement-breakpoint
CREATE UNIQUE INDEX "pipeline_name_unique" ON "pipeline" USING btree (lower("name"));--> statement-breakpoint
CREATE INDEX "pipeline_pipeline_type_id" ON "pipeline" USING btree ("pipeline_type_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "timeliness_pipeline_execution_log_once" ON "timeliness_pipeline_execution_log" USING btree ("pipeline_execution_id");--> statement-breakpoint
CREATE UNIQUE INDEX "job_unique_key" ON "job" USING btree ("unique_key") WHERE unique_key is not null;