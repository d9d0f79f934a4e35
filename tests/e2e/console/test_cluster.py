"""Nodes and shares, by an administrator."""

from pathlib import Path

from playwright.sync_api import expect

from tests.support import jobs
from tests.support.browser import Visitor
from tests.support.instance import Platform


def test_a_node_is_drained_and_the_wait_is_explained_until_it_is_resumed(
    member: Visitor, platform: Platform, tmp_path: Path
) -> None:
    page = member.open("/cluster")
    node = page.get_by_role("row").filter(has_text="训练进程").first
    node.get_by_role("button", name="停用").click()
    try:
        expect(node).to_contain_text("已停用")
        with platform.client() as client:
            dataset_id = jobs.online_dataset(client, tmp_path, jobs.two_shades(4))
            algorithm_id = jobs.create_algorithm(client, tmp_path, "", seconds=1)
            task_id = jobs.start_task(client, dataset_id, algorithm_id)
        expect(page.get_by_text("目前没有可用的计算节点，请检查集群。").first).to_be_visible()
        member.open(f"/tasks/{task_id}")
        expect(page.get_by_role("status").filter(has_text="正在等待资源")).to_contain_text("目前没有可用的计算节点")
        member.open("/cluster")
    finally:
        node.get_by_role("button", name="恢复").click()
    expect(node).not_to_contain_text("已停用")
    with platform.client() as client:
        jobs.ended_task(client, task_id)
        client.post(f"/api/v1/algorithms/{algorithm_id}:offline")


def test_shares_are_set_by_mouse(member: Visitor) -> None:
    page = member.open("/cluster")
    project = page.get_by_role("row").filter(has_text="default").first
    project.get_by_role("button", name="设置").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("权重").fill("2.5")
    dialog.get_by_label("CPU 配额").fill("64")
    dialog.get_by_role("button", name="保存").click()
    expect(project).to_contain_text("2.5")
    expect(project).to_contain_text("CPU 64")
    project.get_by_role("button", name="设置").click()
    expect(dialog.get_by_label("CPU 配额")).to_have_value("64")
    dialog.get_by_label("权重").fill("1")
    dialog.get_by_label("CPU 配额").fill("")
    dialog.get_by_role("button", name="保存").click()
    expect(project).not_to_contain_text("CPU 64")
