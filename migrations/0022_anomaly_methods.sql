ALTER TABLE "anomaly_detection_result" ADD COLUMN "explanation" text;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD COLUMN "method" text DEFAULT 'zscore' NOT NULL;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD COLUMN "direction" text DEFAULT 'both' NOT NULL;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD COLUMN "season" text DEFAULT 'hour' NOT NULL;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD COLUMN "min_change_percent" double precision DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD COLUMN "min_value" double precision;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD COLUMN "max_value" double precision;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD COLUMN "baseline_from" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD COLUMN "accept_level_after" integer;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD CONSTRAINT "anomaly_detection_rule_method_known" CHECK ("anomaly_detection_rule"."method" in ('zscore', 'robust', 'bounds'));--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD CONSTRAINT "anomaly_detection_rule_direction_known" CHECK ("anomaly_detection_rule"."direction" in ('both', 'above', 'below'));--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD CONSTRAINT "anomaly_detection_rule_season_known" CHECK ("anomaly_detection_rule"."season" in ('auto', 'hour', 'hour_of_week', 'none'));--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD CONSTRAINT "anomaly_detection_rule_min_change_range" CHECK ("anomaly_detection_rule"."min_change_percent" between 0 and 1000);--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD CONSTRAINT "anomaly_detection_rule_accept_range" CHECK ("anomaly_detection_rule"."accept_level_after" between 5 and 1000);--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD CONSTRAINT "anomaly_detection_rule_limits" CHECK (min_value <= max_value);