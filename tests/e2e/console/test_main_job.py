"""The whole main job by mouse: sign in, upload, train, read the report, publish, serve, ask."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console.steps import IMPORTED_MS, choose_archive, new_dataset
from tests.support import jobs
from tests.support.archives import png_bytes, zip_bytes
from tests.support.browser import Visitor

TRAINED_MS = 180_000
SERVING_MS = 120_000


def train(page: Page, dataset: str, parameters: dict[str, str]) -> None:
    """From the page of an imported data set to a task that has been started, by the wizard."""
    page.get_by_role("button", name="上线", exact=True).click()
    page.get_by_role("button", name="用它训练").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("新建训练任务")
    question = page.get_by_role("heading", level=2).first
    while question.inner_text() != "参数与资源":
        empty = page.get_by_role("radio")
        if empty.count() and not page.locator("input[type=radio]:checked").count():
            empty.first.check()
        before = question.inner_text()
        page.get_by_role("button", name="下一步").click()
        expect(question).not_to_have_text(before)
    page.get_by_role("switch", name="以 JSON 编辑").click()
    editor = page.get_by_label("训练参数（JSON）")
    text = editor.input_value()
    for name, value in parameters.items():
        text = re.sub(rf'("{name}": )[^,\n]+', rf"\g<1>{value}", text)
    editor.fill(text)
    page.get_by_role("button", name="下一步").click()
    page.get_by_role("button", name="保存并开始训练").click()
    page.wait_for_url("**/tasks/task-*")
    expect(page.get_by_text(dataset).first).to_be_visible()


def publish_and_serve(page: Page) -> None:
    """From the page of a finished task to the page of a running service."""
    page.get_by_role("button", name="发布模型").click()
    page.get_by_role("dialog").get_by_role("button", name="发布模型").click()
    # The page behind the dialog leads there too, as soon as it hears of the publication.
    page.get_by_role("dialog").get_by_text("查看模型").click()
    page.wait_for_url("**/models/*")
    page.get_by_role("button", name="发布为服务").first.click()
    page.get_by_role("dialog").get_by_role("button", name="创建并启动").click()
    page.wait_for_url("**/services/svc-*")
    expect(page.get_by_text("运行中").first).to_be_visible(timeout=SERVING_MS)


@pytest.mark.timeout(600)
def test_pictures_from_sign_in_to_a_prediction(guest: Visitor, tmp_path: Path) -> None:
    archive = tmp_path / "shades.zip"
    archive.write_bytes(zip_bytes(jobs.two_shades(30)))
    page = guest.sign_in()
    name = new_dataset(page, "图像")
    choose_archive(page, archive)
    expect(page.get_by_text("已导入").first).to_be_visible(timeout=IMPORTED_MS)
    sample = page.get_by_role("button", name=re.compile("查看样本")).first
    sample.scroll_into_view_if_needed()
    expect(sample.locator("img")).to_have_js_property("complete", True)
    assert sample.locator("img").evaluate("image => image.naturalWidth") > 0
    train(page, name, {"epochs": "3", "img_size": "8", "augment": "false"})
    expect(page.get_by_role("button", name="发布模型")).to_be_visible(timeout=TRAINED_MS)
    page.get_by_role("tab", name="评估报告").click()
    expect(page.get_by_text("混淆矩阵").first).to_be_visible()
    publish_and_serve(page)
    picture = tmp_path / "unseen.png"
    picture.write_bytes(png_bytes(233))
    page.locator("input[type=file]").first.set_input_files(picture)
    page.get_by_role("button", name="开始预测").click()
    expect(page.get_by_role("region", name="预测结果").get_by_role("heading")).to_have_text("light")
    page.get_by_role("tab", name="调用统计").click()
    # The platform's own checks of the service are no requests.
    expect(page.get_by_role("img", name="调用次数：成功 1，请求有误 0，服务出错 0")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("延迟：50% 的请求在"))).to_be_visible()


@pytest.mark.timeout(600)
def test_titles_from_upload_to_a_prediction(member: Visitor, tmp_path: Path) -> None:
    archive = tmp_path / "topics.zip"
    archive.write_bytes(zip_bytes(jobs.two_topics(30)))
    page = member.page
    name = new_dataset(page, "文本")
    choose_archive(page, archive)
    expect(page.get_by_text("已导入").first).to_be_visible(timeout=IMPORTED_MS)
    expect(page.get_by_text("球队 比赛 进球").first).to_be_visible()
    train(page, name, {})
    expect(page.get_by_role("button", name="发布模型")).to_be_visible(timeout=TRAINED_MS)
    publish_and_serve(page)
    page.get_by_role("textbox").first.fill("球队 进球")
    page.get_by_role("button", name="开始预测").click()
    expect(page.get_by_role("region", name="预测结果").get_by_role("heading")).to_have_text("sport")


@pytest.mark.timeout(600)
def test_the_guided_path_with_the_example(member: Visitor, tmp_path: Path) -> None:
    """For people who know no AI; after a reload it goes on where it was."""
    page = member.open("/guide")
    page.get_by_label("起个名字").fill("深浅分类")
    page.get_by_role("button", name="下一步").click()
    page.get_by_role("button", name="没有样本？用示例试试").click()
    expect(page.get_by_text(re.compile("找到 [0-9]+ 类"))).to_be_visible()
    page.get_by_role("button", name="开始学习").click()
    page.wait_for_url("**task=task-*", timeout=IMPORTED_MS)
    page.reload()
    expect(page.get_by_text("学会了！")).to_be_visible(timeout=TRAINED_MS)
    expect(page.get_by_text(re.compile("考试认对了"))).to_be_visible()
    page.get_by_role("button", name="试一试").click()
    expect(page.get_by_role("button", name="选择图片")).to_be_visible(timeout=SERVING_MS)
    picture = tmp_path / "unseen.png"
    picture.write_bytes(png_bytes(200))
    page.locator("input[type=file]").first.set_input_files(picture)
    expect(page.get_by_role("region", name="答案")).to_contain_text("把握", timeout=30_000)
