"""What goes out: a chapter for each programme, the annual report, and the documents."""

from impact.report.annual import annual_report
from impact.report.chapter import Chapter, chapter
from impact.report.reporting import reporting_checklist

__all__ = ["Chapter", "annual_report", "chapter", "reporting_checklist"]
