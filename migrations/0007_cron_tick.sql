CREATE TABLE "cron_tick" (
	"cron" text PRIMARY KEY NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	"came_at" timestamp with time zone NOT NULL,
	"fault" text
);
