budget-threshold-title = { $name }: { $percent } % do orçamento gasto
budget-threshold-body = Gastou { $spent } de { $limit } no período de { $from } a { $to }.

budget-exceeded-title = { $name }: orçamento esgotado ({ $percent } %)
budget-exceeded-body = Gastou { $spent }; o limite para o período de { $from } a { $to } é { $limit }.

goal-milestone-title = { $name }: { $percent } % do caminho
goal-milestone-body = Pôs de lado { $current } de { $target }.

goal-reached-title = { $name }: objetivo alcançado
goal-reached-body = Pôs de lado { $current }; o seu objetivo era { $target }. Parabéns!

goal-deadline-title = { $days ->
    [0] { $name }: vence hoje
    [1] { $name }: vence amanhã
   *[other] { $name }: vence em { $days } dias
}
goal-deadline-body = Pôs de lado { $current } de { $target }; o objetivo vence em { $due }.

monthly-report-title = O seu relatório de { $month }
monthly-report-body = Entraram { $income } e saíram { $expense }, um saldo de { $net }. No fim do mês, o seu património líquido era de { $worth }.
amounts-unpriced = Os montantes de { $amounts } não puderam ser convertidos e não estão incluídos.
report-uncategorized = Sem categoria
