package acme

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// core is a zapcore.Core that gives what certmagic logs to a slog.Logger. What
// it means is told by this package, once, so that all of it comes two levels
// lower: an error as information, steps and warnings for who looks for faults.
type core struct{ log *slog.Logger }

func zapTo(log *slog.Logger) *zap.Logger { return zap.New(core{quieter(log)}) }

func level(l zapcore.Level) slog.Level {
	switch {
	case l >= zapcore.ErrorLevel:
		return slog.LevelError
	case l >= zapcore.WarnLevel:
		return slog.LevelWarn
	case l >= zapcore.InfoLevel:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

func (c core) Enabled(l zapcore.Level) bool { return c.log.Enabled(context.Background(), level(l)) }

func (c core) With(fields []zapcore.Field) zapcore.Core {
	return core{c.log.With(attributes(fields)...)}
}

func (c core) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return to.AddCore(e, c)
	}
	return to
}

func (c core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if e.LoggerName != "" {
		fields = append(fields, zap.String("part", e.LoggerName))
	}
	c.log.Log(context.Background(), level(e.Level), e.Message, attributes(fields)...)
	return nil
}

func (core) Sync() error { return nil }

// attributes are the fields as slog has them. Keys and tokens are in none of
// certmagic's; a test looks for them.
func attributes(fields []zapcore.Field) []any {
	all := make([]any, 0, len(fields))
	for _, f := range fields {
		kept := zapcore.NewMapObjectEncoder()
		f.AddTo(kept)
		for key, value := range kept.Fields {
			all = append(all, slog.Any(key, value))
		}
	}
	return all
}

// lower is a slog.Handler that gives records two levels less of weight.
type lower struct{ slog.Handler }

func quieter(log *slog.Logger) *slog.Logger { return slog.New(lower{log.Handler()}) }

const less = slog.LevelError - slog.LevelInfo

func (h lower) Enabled(ctx context.Context, l slog.Level) bool {
	return h.Handler.Enabled(ctx, l-less)
}

func (h lower) Handle(ctx context.Context, r slog.Record) error {
	r.Level -= less
	return h.Handler.Handle(ctx, r)
}

func (h lower) WithAttrs(a []slog.Attr) slog.Handler { return lower{h.Handler.WithAttrs(a)} }
func (h lower) WithGroup(n string) slog.Handler      { return lower{h.Handler.WithGroup(n)} }
