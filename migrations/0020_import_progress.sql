CREATE TABLE "import_progress" (
	"name" text PRIMARY KEY NOT NULL,
	"last_key" bigint DEFAULT 0 NOT NULL,
	"rows_read" bigint DEFAULT 0 NOT NULL,
	"rows_written" bigint DEFAULT 0 NOT NULL,
	"skipped" jsonb DEFAULT '{}' NOT NULL,
	"changed" jsonb DEFAULT '{}' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone
);
