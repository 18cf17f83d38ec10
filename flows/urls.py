"""Addresses of the flows' pages."""

from django.urls import path

from flows.views import dashboard, decisions, flows, labels, mapping, orders, plans, settlements, skus, upload

app_name = "flows"

urlpatterns = [
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("flows/", flows.listing, name="flows"),
    path("flows/new/", flows.new, name="flow_new"),
    path("flows/<int:pk>/", flows.detail, name="flow"),
    path("flows/<int:pk>/edit/", flows.edit, name="flow_edit"),
    path("flows/<int:pk>/discard/", flows.discard, name="flow_discard"),
    path("flows/<int:pk>/run/", flows.run, name="flow_run"),
    path("flows/<int:pk>/progress/", flows.progress, name="flow_progress"),
    path("flows/<int:pk>/live/", flows.live, name="flow_live"),
    path("flows/<int:pk>/checks/", flows.checks, name="flow_checks"),
    path("flows/<int:pk>/pause/", flows.pause, name="flow_pause"),
    path("flows/<int:pk>/mode/", flows.mode, name="flow_mode"),
    path("flows/<int:pk>/clearing/", flows.clearing, name="flow_clearing"),
    path("flows/<int:pk>/dry-run/", plans.dry_run, name="dry_run"),
    path("flows/<int:pk>/dry-run/approve/", plans.approve, name="dry_run_approve"),
    path("mapping/", mapping.choose, name="mapping"),
    path("mapping/<int:pk>/", mapping.accounts, name="mapping_accounts"),
    path("mapping/<int:pk>/accept/", mapping.accept, name="mapping_accept"),
    path("mapping/<int:pk>/lists/", mapping.lists, name="mapping_lists"),
    path("mapping/<int:pk>/skus/", skus.listing, name="mapping_skus"),
    path("mapping/<int:pk>/general-item/", skus.general_item, name="mapping_general_item"),
    path("mapping/<int:pk>/groups/", skus.groups, name="mapping_groups"),
    path("mapping/<int:pk>/rules/new/", skus.rule_new, name="rule_new"),
    path("mapping/<int:pk>/rules/<int:rule_pk>/retire/", skus.rule_retire, name="rule_retire"),
    path("mapping/<int:pk>/customers/", skus.customers, name="mapping_customers"),
    path("mapping/<int:pk>/labels/", labels.labels, name="mapping_labels"),
    path("mapping/<int:pk>/history/", mapping.history, name="mapping_history"),
    path("settlements/", settlements.listing, name="settlements"),
    path("settlements/files/", settlements.files, name="files"),
    path("settlements/files/<int:pk>/", decisions.revision, name="revision"),
    path("settlements/upload/", upload.upload, name="upload"),
    path("settlements/<int:pk>/", settlements.detail, name="settlement"),
    path("settlements/<int:pk>/rows/", settlements.rows, name="rows"),
    path("settlements/<int:pk>/payout/", decisions.payout, name="payout"),
    path("plans/<int:pk>/difference/", settlements.difference, name="difference"),
    path("plans/<int:pk>/approve/", decisions.approve, name="approve"),
    path("plans/<int:pk>/undo/", decisions.take_back, name="undo"),
    path("plans/<int:pk>/post-again/", decisions.post_again, name="post_again"),
    path("plans/<int:pk>/labels/", decisions.labels, name="labels"),
    path("orders/", orders.listing, name="orders"),
    path("orders/<int:pk>/", orders.detail, name="order"),
]
