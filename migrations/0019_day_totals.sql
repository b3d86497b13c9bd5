CREATE TABLE "pipeline_day_total" (
	"day" date PRIMARY KEY NOT NULL,
	"executions" numeric NOT NULL,
	"ended" numeric NOT NULL,
	"failures" numeric NOT NULL,
	"inserts" numeric NOT NULL,
	"updates" numeric NOT NULL,
	"soft_deletes" numeric NOT NULL,
	"total_rows" numeric NOT NULL,
	"timed" numeric NOT NULL,
	"seconds" numeric NOT NULL,
	"paced_rows" numeric NOT NULL,
	"paced_seconds" numeric NOT NULL,
	"durations" numeric NOT NULL
);
