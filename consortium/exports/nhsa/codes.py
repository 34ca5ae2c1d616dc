"""Values of the data standard for words of our contracts, as the importer of such tables reads them back.

The codes are those that the public interface documents of the standard use, as far as known; they are not verified
against an official copy."""

from __future__ import annotations

INSUTYPE = {"employee": "310", "resident": "390"}  # 职工基本医疗保险, 城乡居民基本医疗保险
MED_TYPE = {"outpatient": "11", "inpatient": "21"}  # 普通门诊, 普通住院
CHRGITM_LV = {"A": "01", "B": "02", "C": "03"}  # 甲类, 乙类, 丙类
LIST_TYPE = {"drug": "101", "service": "201", "consumable": "301"}  # 西药中成药, 医疗服务项目, 医用耗材
PSN_TYPE = {False: "11", True: "12"}  # 在职, 退休
